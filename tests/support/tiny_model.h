#pragma once

#include "config/run_config.h"
#include "model/staged_model.h"

namespace incubate {

/// Returns a vision transformer of three stages whose steps take milliseconds: 8x8 grey images, patches of 4, width 8,
/// three classes.
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

/// Returns the network `spec` with random weights of seed 1.
inline StagedModel make_initialised(const ModelSpec& spec) {
  StagedModel model(spec);
  for (std::int64_t i = 0; i < model.num_stages(); ++i) model.stage(i).initialise(1, Phase::meta, i);
  return model;
}

}  // namespace incubate
