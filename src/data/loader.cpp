#include "data/loader.h"

#include <algorithm>
#include <utility>

namespace incubate {
namespace {

std::int64_t image_values(const Dataset& dataset) { return dataset.channels() * dataset.height() * dataset.width(); }

Batch make_batch(const Dataset& dataset, std::int64_t size) {
  Batch batch;
  batch.size = size;
  batch.images.resize(size * image_values(dataset));
  batch.labels.resize(size);
  return batch;
}

void put(const Dataset& dataset, const Normalisation& normalisation, std::int64_t image_index, const CropAndFlip& cut,
         std::int64_t place, Batch& batch) {
  const std::int64_t values = image_values(dataset);
  transform(dataset.image(image_index), dataset.height(), dataset.width(), dataset.channels(), cut, normalisation,
            std::span(batch.images).subspan(place * values, values));
  batch.labels[place] = dataset.label(image_index);
}

}  // namespace

TrainLoader::TrainLoader(const Dataset& dataset, Normalisation normalisation, Augmentation augmentation,
                         Sampler sampler, std::uint64_t seed, Phase phase)
    : dataset_(dataset),
      normalisation_(std::move(normalisation)),
      augmentation_(augmentation),
      sampler_(std::move(sampler)),
      seed_(seed),
      phase_(phase) {}

Batch TrainLoader::load(const BatchPlace& place) {
  const std::vector<std::int64_t> positions = sampler_.positions(place);
  Batch batch = make_batch(dataset_, static_cast<std::int64_t>(positions.size()));
  for (std::int64_t k = 0; k < batch.size; ++k) {
    Generator generator = make_generator(seed_, Purpose::augmentation,
                                         {static_cast<std::uint64_t>(phase_), static_cast<std::uint64_t>(place.epoch),
                                          static_cast<std::uint64_t>(positions[k])});
    const CropAndFlip cut = draw_crop_and_flip(generator, augmentation_.crop_padding, augmentation_.flip);
    put(dataset_, normalisation_, sampler_.image_index(place.epoch, positions[k]), cut, k, batch);
  }
  if (augmentation_.mixup.is_on()) mix(place, batch);
  return batch;
}

void TrainLoader::mix(const BatchPlace& place, Batch& batch) const {
  Generator generator =
      make_generator(seed_, Purpose::mixup,
                     {static_cast<std::uint64_t>(phase_), static_cast<std::uint64_t>(place.epoch),
                      static_cast<std::uint64_t>(place.step_in_epoch), static_cast<std::uint64_t>(place.micro_batch)});
  const Mixing mixing = draw_mixing(generator, augmentation_.mixup, dataset_.height(), dataset_.width());
  mix_images(mixing, batch.size, dataset_.height(), dataset_.width(), batch.images);
  batch.other_labels.assign(batch.labels.rbegin(), batch.labels.rend());
  batch.label_weight = mixing.weight;
}

EvaluationLoader::EvaluationLoader(const Dataset& dataset, Normalisation normalisation, std::int64_t size)
    : dataset_(dataset), normalisation_(std::move(normalisation)), size_(size) {}

Batch EvaluationLoader::load(std::int64_t batch_index) const {
  const std::int64_t begin = batch_index * size_;
  Batch batch = make_batch(dataset_, std::min(size_, dataset_.num_images() - begin));
  for (std::int64_t k = 0; k < batch.size; ++k) put(dataset_, normalisation_, begin + k, CropAndFlip{}, k, batch);
  return batch;
}

}  // namespace incubate
