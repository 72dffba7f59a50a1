#pragma once

#include <array>
#include <optional>

#include "config/rand_augment_policy.h"
#include "config/run_config.h"
#include "vision/evaluation_crop.h"
#include "vision/mixup.h"

namespace incubate {

/// Which part of an image a resized crop takes, and its size afterwards.
struct ResizedCrop {
  std::int64_t side = 0;                    ///< height and width of the result, in pixels
  std::array<double, 2> scale = {0.08, 1};  ///< smallest and largest share of the area
};

/// Random changes of training images. By default there are none.
struct Augmentation {
  std::int64_t crop_padding = 0;  ///< pixels; without effect under a resized crop
  bool flip = false;
  std::optional<ResizedCrop> resized_crop = std::nullopt;
  double color_jitter = 0;  ///< strength; without effect under RandAugment
  std::optional<RandAugmentPolicy> rand_augment = std::nullopt;
  double random_erasing = 0;  ///< probability
  MixupOptions mixup = {};    ///< blends the images of a micro-batch, after all changes above
};

/// Returns the settings of `config` for `phase`. REQUIRES: validate(config) passed.
Augmentation make_augmentation(const RunConfig& config, Phase phase);

/// Returns how to evaluate images for a network trained in `phase`; nothing unless that phase resizes its images.
std::optional<EvaluationCrop> make_evaluation_crop(const RunConfig& config, Phase phase);

}  // namespace incubate
