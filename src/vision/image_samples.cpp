#include "vision/image_samples.h"

#include <algorithm>

#include "vision/random_erasing.h"

namespace incubate {

std::vector<float> make_table(const Normalisation& normalisation, std::int64_t value_bytes) {
  const int most = value_bytes == 1 ? 255 : 65535;
  std::vector<float> table;
  for (std::size_t channel = 0; channel < normalisation.mean.size(); ++channel) {
    for (int value = 0; value <= most; ++value) {
      const double share = value / static_cast<double>(most);
      table.push_back(static_cast<float>((share - normalisation.mean[channel]) / normalisation.std[channel]));
    }
  }
  return table;
}

ImageSettings image_settings(const RunConfig& config, Phase phase) {
  return {.normalisation = {config.data.mean, config.data.std},
          .augmentation = make_augmentation(config, phase),
          .crop = make_evaluation_crop(config, phase),
          .seed = static_cast<std::uint64_t>(config.run.seed),
          .phase = phase};
}

ImageSamples::ImageSamples(const Dataset& dataset, Split split, const ImageSettings& settings)
    : dataset_(dataset),
      table_(make_table(settings.normalisation, dataset.value_bytes())),
      height_(dataset.height()),
      width_(dataset.width()) {
  std::int64_t side = 0;
  if (split == Split::train) {
    augmenter_.emplace(settings.augmentation, settings.normalisation.mean, settings.seed, settings.phase);
    if (settings.augmentation.resized_crop) side = settings.augmentation.resized_crop->side;
  } else {
    crop_ = settings.crop;
    if (crop_) side = crop_->side;
  }
  if (side > 0) height_ = width_ = side;
}

std::unique_ptr<Batch> ImageSamples::begin(const BatchPlace& place, std::span<const Sample> samples,
                                           std::pmr::memory_resource* memory) const {
  auto batch = std::make_unique<ImageBatch>(std::ssize(samples), memory);
  batch->height = height_;
  batch->width = width_;
  batch->channels = dataset_.channels();
  batch->value_bytes = dataset_.value_bytes();
  batch->bytes.resize(batch->size * height_ * width_ * batch->channels * batch->value_bytes);
  batch->labels.resize(batch->size);
  batch->table.assign(table_.begin(), table_.end());
  if (!augmenter_) return batch;
  batch->first_erased = {0};
  for (const Sample& sample : samples) {
    const std::optional<Box> box = augmenter_->draw_erasing(sample, height_, width_).box;
    batch->first_erased.push_back(batch->first_erased.back() + (box ? box->height * box->width : 0));
  }
  batch->erased.resize(batch->first_erased.back());
  batch->noise.resize(batch->first_erased.back() * batch->channels);
  batch->mixing = augmenter_->draw_mixing(place, height_, width_);
  return batch;
}

void ImageSamples::make(Batch& batch, std::int64_t k, const Sample& sample) const {
  auto& images = static_cast<ImageBatch&>(batch);
  const auto source = dataset_.open(sample.index);
  const Image image = augmenter_ ? augmenter_->augment(*source, sample)
                      : crop_    ? crop_for_evaluation(*source, *crop_)
                                 : source->image();
  std::ranges::copy(image.bytes, images.bytes.begin() + (k * std::ssize(image.bytes)));
  images.labels[k] = dataset_.label(sample.index);
  if (!augmenter_ || images.first_erased[k] == images.first_erased[k + 1]) return;
  Erasing erasing = augmenter_->draw_erasing(sample, height_, width_);
  const Box& box = *erasing.box;
  const std::int64_t first = images.first_erased[k];
  auto out = images.erased.begin() + first;
  for (std::int64_t y = box.top; y < box.top + box.height; ++y) {
    for (std::int64_t x = box.left; x < box.left + box.width; ++x) *out++ = (((k * height_) + y) * width_) + x;
  }
  write_noise(erasing.generator, images.channels,
              std::span(images.noise).subspan(first * images.channels, box.height * box.width * images.channels));
}

}  // namespace incubate
