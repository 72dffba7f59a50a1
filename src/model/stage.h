#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <torch/nn/module.h>

#include "model/spec.h"
#include "ops/kept_samples.h"

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

/// A mean or variance of a batch norm, which is not learnt by gradients but follows the data.
struct StatisticInfo {
  std::string name;       ///< within its stage, such as "blocks.0.bn1.running_mean"
  torch::Tensor running;  ///< used in evaluation
  torch::Tensor batch;    ///< of the micro-batch that passed last in training
};

struct NamedTensor {
  std::string name;  ///< within its stage
  torch::Tensor tensor;
};

/// A piece of a network: maps a tensor to a tensor. The only interface through which anything above model/ sees a
/// network.
class Stage : public torch::nn::Module {
 public:
  /// `kept` is of this stage's blocks, on its device (see kept_samples.h). The first stage of a model takes images
  /// (batch, channels, height, width); the last returns logits (batch, classes); between stages flow a vision
  /// transformer's tokens (batch, tokens, width), a residual network's images.
  virtual torch::Tensor forward(const torch::Tensor& input, KeptBranches kept) = 0;
  virtual std::int64_t num_blocks() const = 0;
  virtual std::vector<ParameterInfo> list_parameters() = 0;
  /// Those of its batch norms, if it has any.
  virtual std::vector<StatisticInfo> list_statistics() { return {}; }
  /// All that a file holds of it: parameters, then running statistics.
  std::vector<NamedTensor> list_state();
  /// A number for each block. Blocks of a kind map equal shapes, but for the first, which may change what passes.
  virtual std::vector<std::int64_t> list_block_kinds() const = 0;
  /// The parameters, by their names within a block, that a block's branches end with: where they are all 0 the branches
  /// add nothing.
  virtual std::vector<std::string> list_branch_ends() const = 0;
  /// Makes the copies of weights that it computes with in a lower precision, if it does. To be called whenever the
  /// weights have changed.
  virtual void update_copies() {}
  /// Random first weights, addressed by (seed, phase, stage, name).
  virtual void initialise(std::uint64_t seed, Phase phase, std::int64_t stage_index) = 0;
};

/// Stage `stage_index` of the network `spec`, with undefined weights.
std::shared_ptr<Stage> make_stage(const ModelSpec& spec, std::int64_t stage_index);

// Names within a stage: what belongs to block 3 is called "blocks.3.NAME".

/// The block that `name` belongs to, if any.
std::optional<std::int64_t> block_of(const std::string& name);
/// The rest of the name of what belongs to a block.
std::string name_in_block(const std::string& name);
/// The name of what is called `name` in block `block`.
std::string block_name(std::int64_t block, const std::string& name);

}  // namespace incubate
