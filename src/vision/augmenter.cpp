#include "vision/augmenter.h"

#include <algorithm>
#include <cmath>

#include "vision/color_jitter.h"
#include "vision/padded_crop.h"
#include "vision/rand_augment.h"
#include "vision/random_erasing.h"
#include "vision/resized_crop.h"

namespace incubate {
namespace {

/// Returns the mean colour in bytes.
Fill make_fill(const std::vector<double>& mean) {
  Fill fill;
  for (const double value : mean)
    fill.push_back(static_cast<std::uint8_t>(std::clamp(std::llrint(255 * value), 0LL, 255LL)));
  return fill;
}

}  // namespace

Augmenter::Augmenter(const Augmentation& augmentation, const std::vector<double>& mean, std::uint64_t seed, Phase phase)
    : augmentation_(augmentation), fill_(make_fill(mean)), seed_(seed), phase_(static_cast<std::uint64_t>(phase)) {}

Generator Augmenter::generator_of(Part part, const Sample& sample) const {
  return make_generator(seed_, Purpose::augmentation,
                        {phase_, static_cast<std::uint64_t>(sample.epoch), static_cast<std::uint64_t>(sample.position),
                         static_cast<std::uint64_t>(part)});
}

Image Augmenter::cut(const ImageSource& image, const Sample& sample) const {
  Generator generator =
      make_generator(seed_, Purpose::augmentation,
                     {phase_, static_cast<std::uint64_t>(sample.epoch), static_cast<std::uint64_t>(sample.position)});
  const CropAndFlip padded = draw_crop_and_flip(generator, augmentation_.crop_padding, augmentation_.flip);
  if (!augmentation_.resized_crop) return cut_padded(image.image(), padded);
  Generator own = generator_of(Part::resized_crop, sample);
  const Box box = draw_resized_crop(own, image.height(), image.width(), augmentation_.resized_crop->scale);
  return resized_crop(image, box, augmentation_.resized_crop->side, padded.flip);
}

Image Augmenter::augment(const ImageSource& image, const Sample& sample) const {
  const Image part = cut(image, sample);
  if (augmentation_.rand_augment) {
    Generator generator = generator_of(Part::rand_augment, sample);
    const std::vector<AugmentStep> steps = draw_rand_augment(generator, *augmentation_.rand_augment);
    return rand_augment(part, steps, augmentation_.rand_augment->severity, fill_);
  }
  if (augmentation_.color_jitter > 0) {
    Generator generator = generator_of(Part::color_jitter, sample);
    return jitter(part, draw_color_jitter(generator, augmentation_.color_jitter));
  }
  return part;
}

Erasing Augmenter::draw_erasing(const Sample& sample, std::int64_t height, std::int64_t width) const {
  Generator generator = generator_of(Part::erasing, sample);
  const std::optional<Box> box = draw_erased_box(generator, augmentation_.random_erasing, height, width);
  return {box, generator};
}

std::optional<Mixing> Augmenter::draw_mixing(const BatchPlace& place, std::int64_t height, std::int64_t width) const {
  if (!augmentation_.mixup.is_on()) return std::nullopt;
  Generator generator =
      make_generator(seed_, Purpose::mixup,
                     {phase_, static_cast<std::uint64_t>(place.epoch), static_cast<std::uint64_t>(place.step_in_epoch),
                      static_cast<std::uint64_t>(place.micro_batch)});
  return incubate::draw_mixing(generator, augmentation_.mixup, height, width);
}

}  // namespace incubate
