#include "data/loader.h"

#include <algorithm>
#include <utility>

namespace incubate {
namespace {

/// Of an image that becomes `side` wide and high, or keeps its size where `side` is 0.
std::int64_t count_values(const Dataset& dataset, std::int64_t side) {
  return dataset.channels() * (side > 0 ? side * side : dataset.height() * dataset.width());
}

Batch make_batch(std::int64_t size, std::int64_t image_values) {
  Batch batch;
  batch.size = size;
  batch.images.resize(size * image_values);
  batch.labels.resize(size);
  return batch;
}

Image read_image(const Dataset& dataset, std::int64_t index) {
  return {dataset.height(), dataset.width(), dataset.channels(), dataset.image(index)};
}

}  // namespace

TrainLoader::TrainLoader(const Dataset& dataset, const Normalisation& normalisation, const Augmentation& augmentation,
                         Sampler sampler, std::uint64_t seed, Phase phase)
    : dataset_(dataset),
      augmenter_(augmentation, normalisation, seed, phase),
      sampler_(std::move(sampler)),
      image_values_(count_values(dataset, augmentation.resized_crop ? augmentation.resized_crop->side : 0)) {}

Batch TrainLoader::load(const BatchPlace& place) {
  const std::vector<std::int64_t> positions = sampler_.positions(place);
  Batch batch = make_batch(static_cast<std::int64_t>(positions.size()), image_values_);
  for (std::int64_t k = 0; k < batch.size; ++k) {
    const std::int64_t index = sampler_.image_index(place.epoch, positions[k]);
    augmenter_.write_planes(read_image(dataset_, index), place.epoch, positions[k],
                            std::span(batch.images).subspan(k * image_values_, image_values_));
    batch.labels[k] = dataset_.label(index);
  }
  return batch;
}

EvaluationLoader::EvaluationLoader(const Dataset& dataset, const Normalisation& normalisation, std::int64_t size,
                                   const std::optional<EvaluationCrop>& crop)
    : dataset_(dataset), table_(normalisation), size_(size), crop_(crop) {}

Batch EvaluationLoader::load(std::int64_t batch_index) const {
  const std::int64_t begin = batch_index * size_;
  const std::int64_t image_values = count_values(dataset_, crop_ ? crop_->side : 0);
  Batch batch = make_batch(std::min(size_, dataset_.num_images() - begin), image_values);
  for (std::int64_t k = 0; k < batch.size; ++k) {
    const Image image = read_image(dataset_, begin + k);
    table_.write_planes(crop_ ? crop_for_evaluation(image, *crop_) : image,
                        std::span(batch.images).subspan(k * image_values, image_values));
    batch.labels[k] = dataset_.label(begin + k);
  }
  return batch;
}

}  // namespace incubate
