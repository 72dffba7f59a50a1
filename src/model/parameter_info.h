#pragma once

#include <cstdint>
#include <string>

#include <torch/types.h>

namespace incubate {

/// A parameter and how the optimizer treats it.
struct ParameterInfo {
  std::string name;  ///< within its stage, such as "blocks.0.attn.qkv.weight"
  torch::Tensor tensor;
  /// Within its stage: 0 before the blocks, 1 + i in block i, 1 + num_blocks() behind the blocks.
  std::int64_t layer = 0;
  bool decays = true;  ///< whether weight decay applies
  /// Whether the parameter has the learning rate of the layer before (see PhaseConfig::layer_decay).
  bool joins_layer_before = false;
};

/// A mean or variance of a batch norm. It follows the data instead of a gradient.
struct StatisticInfo {
  std::string name;       ///< within its stage, such as "blocks.0.bn1.running_mean"
  torch::Tensor running;  ///< used in evaluation
  torch::Tensor batch;    ///< of the last micro-batch in training
};

struct NamedTensor {
  std::string name;  ///< within its stage
  torch::Tensor tensor;
};

}  // namespace incubate
