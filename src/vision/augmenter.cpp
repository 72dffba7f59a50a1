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

Augmenter::Augmenter(const Augmentation& augmentation, const Normalisation& normalisation, std::uint64_t seed,
                     Phase phase)
    : augmentation_(augmentation),
      table_(normalisation),
      fill_(make_fill(normalisation.mean)),
      seed_(seed),
      phase_(static_cast<std::uint64_t>(phase)) {}

Generator Augmenter::generator_of(Part part, std::int64_t epoch, std::int64_t position) const {
  return make_generator(seed_, Purpose::augmentation,
                        {phase_, static_cast<std::uint64_t>(epoch), static_cast<std::uint64_t>(position),
                         static_cast<std::uint64_t>(part)});
}

Image Augmenter::cut(const ImageSource& image, std::int64_t epoch, std::int64_t position) const {
  Generator generator = make_generator(
      seed_, Purpose::augmentation, {phase_, static_cast<std::uint64_t>(epoch), static_cast<std::uint64_t>(position)});
  const CropAndFlip padded = draw_crop_and_flip(generator, augmentation_.crop_padding, augmentation_.flip);
  if (!augmentation_.resized_crop) return cut_padded(image.image(), padded);
  Generator own = generator_of(Part::resized_crop, epoch, position);
  const Box box = draw_resized_crop(own, image.height(), image.width(), augmentation_.resized_crop->scale);
  return resized_crop(image, box, augmentation_.resized_crop->side, padded.flip);
}

Image Augmenter::augment(const ImageSource& image, std::int64_t epoch, std::int64_t position) const {
  const Image part = cut(image, epoch, position);
  if (augmentation_.rand_augment) {
    Generator generator = generator_of(Part::rand_augment, epoch, position);
    const std::vector<AugmentStep> steps = draw_rand_augment(generator, *augmentation_.rand_augment);
    return rand_augment(part, steps, augmentation_.rand_augment->severity, fill_);
  }
  if (augmentation_.color_jitter > 0) {
    Generator generator = generator_of(Part::color_jitter, epoch, position);
    return jitter(part, draw_color_jitter(generator, augmentation_.color_jitter));
  }
  return part;
}

Erasing Augmenter::draw_erasing(std::int64_t epoch, std::int64_t position, std::int64_t height,
                                std::int64_t width) const {
  Generator generator = generator_of(Part::erasing, epoch, position);
  const std::optional<Box> box = draw_erased_box(generator, augmentation_.random_erasing, height, width);
  return {box, generator};
}

void Augmenter::write_planes(const ImageSource& image, std::int64_t epoch, std::int64_t position,
                             std::span<float> planes) const {
  const Image augmented = augment(image, epoch, position);
  table_.write_planes(augmented, planes);
  Erasing erasing = draw_erasing(epoch, position, augmented.height, augmented.width);
  if (erasing.box) erase(planes, augmented.height, augmented.width, *erasing.box, erasing.generator);
}

}  // namespace incubate
