#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <torch/nn/module.h>

#include "model/spec.h"

namespace incubate {

/// A parameter and how the optimizer treats it.
struct ParameterInfo {
  std::string name;  ///< within its stage, such as "blocks.0.attn.qkv.weight"
  torch::Tensor tensor;
  /// Within its stage: 0 for what stands before the blocks, 1 + i for block i, 1 + num_blocks() for what stands behind.
  std::int64_t layer = 0;
  bool decays = true;  ///< whether weight decay applies
  /// Whether its learning rate is that of the layer before (see PhaseConfig::layer_decay).
  bool joins_layer_before = false;
};

/// A piece of a network: maps a tensor to a tensor. The only interface through which anything above model/ sees a
/// network.
class Stage : public torch::nn::Module {
 public:
  /// `branch_scales` is (num_blocks, 2, batch), a factor for each sample's residual branches (see drop_path.h), or
  /// undefined for 1. The first stage of a model takes images (batch, channels, height, width); the last returns logits
  /// (batch, classes); between stages flow tokens (batch, tokens, width).
  virtual torch::Tensor forward(const torch::Tensor& input, const torch::Tensor& branch_scales) = 0;
  virtual std::int64_t num_blocks() const = 0;
  virtual std::vector<ParameterInfo> list_parameters() = 0;
  /// Random first weights, addressed by (seed, phase, stage, name).
  virtual void initialise(std::uint64_t seed, Phase phase, std::int64_t stage_index) = 0;
};

/// Stage `stage_index` of the network `spec`, with undefined weights.
std::shared_ptr<Stage> make_stage(const ModelSpec& spec, std::int64_t stage_index);

}  // namespace incubate
