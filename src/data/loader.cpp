#include "data/loader.h"

#include <algorithm>
#include <array>
#include <utility>

namespace incubate {
namespace {

/// Height and width of an image of `dataset` that is resized to `side`, or keeps its size where that is 0.
std::array<std::int64_t, 2> size_of(const Dataset& dataset, std::int64_t side) {
  return side > 0 ? std::array{side, side} : std::array{dataset.height(), dataset.width()};
}

Batch make_batch(std::int64_t size, std::int64_t image_values) {
  Batch batch;
  batch.size = size;
  batch.images.resize(size * image_values);
  batch.labels.resize(size);
  return batch;
}

ArraySource read_image(const Dataset& dataset, std::int64_t index) {
  return {dataset.height(), dataset.width(), dataset.channels(), dataset.image(index)};
}

}  // namespace

TrainLoader::TrainLoader(const Dataset& dataset, const Normalisation& normalisation, const Augmentation& augmentation,
                         Sampler sampler, std::uint64_t seed, Phase phase)
    : dataset_(dataset),
      augmenter_(augmentation, normalisation, seed, phase),
      mixup_(augmentation.mixup),
      sampler_(std::move(sampler)),
      seed_(seed),
      phase_(phase),
      size_(size_of(dataset, augmentation.resized_crop ? augmentation.resized_crop->side : 0)) {}

Batch TrainLoader::load(const BatchPlace& place) {
  const std::vector<std::int64_t> positions = sampler_.positions(place);
  const std::int64_t values = dataset_.channels() * size_[0] * size_[1];
  Batch batch = make_batch(static_cast<std::int64_t>(positions.size()), values);
  for (std::int64_t k = 0; k < batch.size; ++k) {
    const std::int64_t index = sampler_.image_index(place.epoch, positions[k]);
    augmenter_.write_planes(read_image(dataset_, index), place.epoch, positions[k],
                            std::span(batch.images).subspan(k * values, values));
    batch.labels[k] = dataset_.label(index);
  }
  if (mixup_.is_on()) mix(place, batch);
  return batch;
}

void TrainLoader::mix(const BatchPlace& place, Batch& batch) const {
  Generator generator =
      make_generator(seed_, Purpose::mixup,
                     {static_cast<std::uint64_t>(phase_), static_cast<std::uint64_t>(place.epoch),
                      static_cast<std::uint64_t>(place.step_in_epoch), static_cast<std::uint64_t>(place.micro_batch)});
  const Mixing mixing = draw_mixing(generator, mixup_, size_[0], size_[1]);
  mix_images(mixing, batch.size, size_[0], size_[1], batch.images);
  batch.other_labels.assign(batch.labels.rbegin(), batch.labels.rend());
  batch.label_weight = mixing.weight;
}

EvaluationLoader::EvaluationLoader(const Dataset& dataset, const Normalisation& normalisation, std::int64_t size,
                                   const std::optional<EvaluationCrop>& crop)
    : dataset_(dataset), table_(normalisation), size_(size), crop_(crop) {}

Batch EvaluationLoader::load(std::int64_t batch_index) const {
  const std::int64_t begin = batch_index * size_;
  const auto [height, width] = size_of(dataset_, crop_ ? crop_->side : 0);
  const std::int64_t values = dataset_.channels() * height * width;
  Batch batch = make_batch(std::min(size_, dataset_.num_images() - begin), values);
  for (std::int64_t k = 0; k < batch.size; ++k) {
    const ArraySource image = read_image(dataset_, begin + k);
    table_.write_planes(crop_ ? crop_for_evaluation(image, *crop_) : image.image(),
                        std::span(batch.images).subspan(k * values, values));
    batch.labels[k] = dataset_.label(begin + k);
  }
  return batch;
}

}  // namespace incubate
