#include "vision/augmentation.h"

#include <algorithm>
#include <cmath>

#include "vision/colours.h"
#include "vision/crops.h"
#include "vision/rand_augment.h"
#include "vision/random_erasing.h"

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

Augmentation make_augmentation(const RunConfig& config, Phase phase) {
  const PhaseConfig& recipe = config.phase(phase);
  Augmentation augmentation;
  augmentation.flip = config.data.flip;
  augmentation.color_jitter = recipe.color_jitter;
  augmentation.random_erasing = recipe.random_erasing;
  augmentation.mixup = {.mixup_alpha = recipe.mixup, .cutmix_alpha = recipe.cutmix};
  if (recipe.crop == Crop::padding) augmentation.crop_padding = config.data.crop_padding;
  if (recipe.crop == Crop::resized) {
    augmentation.resized_crop = {.side = config.image_size(phase),
                                 .scale = {recipe.crop_scale.at(0), recipe.crop_scale.at(1)}};
  }
  if (!recipe.rand_augment.empty()) {
    augmentation.rand_augment =
        parse_rand_augment(std::string(section_of(phase)) + ".rand_augment", recipe.rand_augment);
  }
  return augmentation;
}

std::optional<EvaluationCrop> make_evaluation_crop(const RunConfig& config, Phase phase) {
  if (config.phase(phase).crop != Crop::resized) return std::nullopt;
  return EvaluationCrop{.side = config.image_size(phase), .fraction = config.data.eval_crop};
}

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
