#include "vision/augmentation.h"

namespace incubate {

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

}  // namespace incubate
