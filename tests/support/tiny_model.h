#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "config/run_config.h"
#include "model/linear_head.h"
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

/// Returns the network `spec` with a linear head.
inline StagedModel make_classifier(const ModelSpec& spec) { return {spec, std::make_shared<LinearHead>(spec)}; }

/// Returns the same with random weights of seed 1.
inline StagedModel make_initialised(const ModelSpec& spec) {
  StagedModel model = make_classifier(spec);
  for (std::int64_t i = 0; i < model.num_stages(); ++i) model.initialise(i, 1, Phase::meta);
  return model;
}

/// Returns the output of every stage, in order.
inline std::vector<torch::Tensor> stage_outputs(StagedModel& model, const torch::Tensor& images, KeptBranches kept) {
  std::vector<torch::Tensor> outputs;
  Activations activations{images};
  for (std::int64_t i = 0; i < model.num_stages(); ++i) {
    model.forward_stage(i, activations, kept);
    outputs.push_back(activations.x);
  }
  return outputs;
}

}  // namespace incubate
