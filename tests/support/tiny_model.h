#pragma once

#include "config/run_config.h"
#include "model/staged_model.h"

namespace incubate {

/// A vision transformer of three stages small enough for a step to take milliseconds: 8x8 grey images in patches of 4,
/// width 8, three classes.
inline ModelConfig tiny_model_config() {
  ModelConfig config;
  config.image_size = 8;
  config.channels = 1;
  config.classes = 3;
  config.patch = 4;
  config.width = 8;
  config.heads = 2;
  config.mlp_ratio = 2;
  config.depths = {2, 1, 2};
  config.meta_depths = {1, 1, 1};
  return config;
}

/// The network `spec` with random weights of seed 1.
inline StagedModel make_initialised(const ModelSpec& spec) {
  StagedModel model(spec);
  for (std::int64_t i = 0; i < model.num_stages(); ++i) model.stage(i).initialise(1, Phase::meta, i);
  return model;
}

}  // namespace incubate
