#pragma once

#include <array>
#include <optional>

#include "config/rand_augment_policy.h"
#include "config/run_config.h"
#include "vision/evaluation_crop.h"
#include "vision/mixup.h"

namespace incubate {

/// Which part of an image a resized crop takes, and how large it becomes.
struct ResizedCrop {
  std::int64_t side = 0;                    ///< pixels of the result's height and width
  std::array<double, 2> scale = {0.08, 1};  ///< least and largest share of the area
};

/// How training images are changed at random. By default they are not.
struct Augmentation {
  std::int64_t crop_padding = 0;  ///< pixels; where there is no resized crop
  bool flip = false;
  std::optional<ResizedCrop> resized_crop = std::nullopt;
  double color_jitter = 0;  ///< strength; off while RandAugment is on
  std::optional<RandAugmentPolicy> rand_augment = std::nullopt;
  double random_erasing = 0;  ///< probability
  MixupOptions mixup = {};    ///< of the images of a micro-batch, after all the above
};

/// What `config` says for `phase`. REQUIRES: validate(config) passed.
Augmentation make_augmentation(const RunConfig& config, Phase phase);

/// How images are evaluated that were trained on in `phase`: as they are, unless that phase resizes them.
std::optional<EvaluationCrop> make_evaluation_crop(const RunConfig& config, Phase phase);

}  // namespace incubate
