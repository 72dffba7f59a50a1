#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <torch/nn/module.h>

#include "model/head.h"
#include "model/parameter_info.h"
#include "model/spec.h"
#include "ops/kept_samples.h"

namespace incubate {

/// A piece of a network: maps a tensor to a tensor. The only interface through which anything above model/ sees what
/// stands before the head.
class Stage : public torch::nn::Module {
 public:
  /// `kept` is of this stage's blocks, on its device (see kept_samples.h). The first stage of a model takes images
  /// (batch, channels, height, width). A vision transformer's stage passes tokens on, (batch, tokens, width), a
  /// residual network's stage images. The last stage of a model may leave out what the head has not asked for.
  virtual torch::Tensor forward(const torch::Tensor& input, KeptBranches kept) = 0;
  /// Returns the summary of the last stage's output (see Features). REQUIRES: this is the last stage.
  virtual torch::Tensor summarise(const torch::Tensor& output) = 0;
  /// Returns the map (see Features) that `output`, the output of forward(), is.
  virtual torch::Tensor map_of(const torch::Tensor& output) const = 0;
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

/// Returns stage `stage_index` of the network `spec` for a head that asks for `request`, with undefined weights.
std::shared_ptr<Stage> make_stage(const ModelSpec& spec, std::int64_t stage_index, const FeatureRequest& request);

// Names within a stage: what belongs to block 3 is called "blocks.3.NAME".

/// The block that `name` belongs to, if any.
std::optional<std::int64_t> block_of(const std::string& name);
/// The rest of the name of what belongs to a block.
std::string name_in_block(const std::string& name);
/// The name of what is called `name` in block `block`.
std::string block_name(std::int64_t block, const std::string& name);

}  // namespace incubate
