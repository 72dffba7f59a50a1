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

/// A piece of a network: maps a tensor to a tensor. Code above model/ uses the layers before the head only through
/// Stage.
class Stage : public torch::nn::Module {
 public:
  /// Returns the stage's output. `kept` are the entries of this stage's blocks, on its device (see kept_samples.h). The
  /// first stage takes images (batch, channels, height, width). Stages of a vision transformer pass tokens (batch,
  /// tokens, width), those of a residual network images. The last stage may omit tokens that the head does not request.
  virtual torch::Tensor forward(const torch::Tensor& input, KeptBranches kept) = 0;
  /// Returns the summary of the last stage's output (see Features). REQUIRES: this is the last stage.
  virtual torch::Tensor summarise(const torch::Tensor& output) = 0;
  /// Returns the map (see Features) in `output`, which is forward()'s.
  virtual torch::Tensor map_of(const torch::Tensor& output) const = 0;
  virtual std::int64_t num_blocks() const = 0;
  virtual std::vector<ParameterInfo> list_parameters() = 0;
  /// Returns the statistics of batch norms; empty without batch norms.
  virtual std::vector<StatisticInfo> list_statistics() { return {}; }
  /// Returns all tensors that a file holds of the stage: parameters, then running statistics.
  std::vector<NamedTensor> list_state();
  /// Returns a number for each block. Blocks of a kind map equal shapes, except that the first may change shapes.
  virtual std::vector<std::int64_t> list_block_kinds() const = 0;
  /// Returns the names, within a block, of the parameters that its branches end with. Where they are all 0 the branches
  /// add nothing.
  virtual std::vector<std::string> list_branch_ends() const = 0;
  /// Updates the low-precision copies of weights, if the stage has any. Must be called after every change of the
  /// weights.
  virtual void update_copies() {}
  /// Sets random first weights, addressed by (seed, phase, stage, name).
  virtual void initialise(std::uint64_t seed, Phase phase, std::int64_t stage_index) = 0;
};

/// Returns stage `stage_index` of the network `spec` for a head that asks for `request`, with undefined weights.
std::shared_ptr<Stage> make_stage(const ModelSpec& spec, std::int64_t stage_index, const FeatureRequest& request);

// Names within a stage: parameter NAME of block 3 is "blocks.3.NAME".

/// Returns the block that `name` belongs to, or nullopt outside blocks.
std::optional<std::int64_t> block_of(const std::string& name);
/// Returns NAME.
std::string name_in_block(const std::string& name);
/// Returns the name of parameter `name` of block `block`.
std::string block_name(std::int64_t block, const std::string& name);

}  // namespace incubate
