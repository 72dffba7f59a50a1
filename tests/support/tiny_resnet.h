#pragma once

#include "config/run_config.h"

namespace incubate {

/// Returns a residual network of three stages whose steps take milliseconds: 8x8 grey images, three groups of two
/// blocks with 4, 8 and 16 channels, three classes.
inline ModelConfig tiny_resnet_config() {
  ModelConfig config;
  config.family = Family::resnet;
  config.image_size = 8;
  config.channels = 1;
  config.classes = 3;
  config.norm_eps = 1e-5;
  config.widths = {4, 8, 16};
  config.group_depth = 2;
  config.depths = {2, 2, 2};
  config.meta_depths = {1, 1, 1};
  return config;
}

/// Returns the same blocks in two stages: each contains a stride, and the second begins within a group.
inline ModelConfig two_stage_resnet_config() {
  ModelConfig config = tiny_resnet_config();
  config.depths = {3, 3};
  config.meta_depths = {1, 1};
  return config;
}

}  // namespace incubate
