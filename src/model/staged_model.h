#pragma once

#include <memory>
#include <vector>

#include <torch/types.h>

#include "model/head.h"
#include "model/stage.h"

namespace incubate {

/// The output of the first stages of a network.
struct Activations {
  torch::Tensor x;                       ///< input of the next stage, or of Stage::summarise() behind the last one
  std::vector<torch::Tensor> maps = {};  ///< the maps of these stages that the head requests
};

/// A network: stages in order and a head, which belongs to the last stage. Some stages learn; the others are frozen.
/// Weights of frozen stages get no gradient, and nothing before the first learning stage records a graph. Frozen stages
/// keep their stochastic depth, as in the paper.
class StagedModel {
 public:
  /// All stages learn. Weights are undefined until initialised or loaded.
  StagedModel(const ModelSpec& spec, std::shared_ptr<Head> head);

  const ModelSpec& spec() const { return spec_; }
  std::int64_t num_stages() const { return spec_.num_stages(); }
  Stage& stage(std::int64_t index) { return *stages_[index]; }
  Head& head() { return *head_; }
  FeatureRequest request() const { return head_->request(); }

  /// Return a stage's parameters, or all its tensors in a file (parameters, running statistics). The last stage's list
  /// ends with the head's.
  std::vector<ParameterInfo> list_parameters(std::int64_t stage_index);
  std::vector<NamedTensor> list_state(std::int64_t stage_index);
  /// Sets random first weights of a stage. The last stage includes the head.
  void initialise(std::int64_t stage_index, std::uint64_t seed, Phase phase);

  /// Freezes every stage whose entry is false. REQUIRES: one entry a stage, at least one of them true.
  void set_learning(const std::vector<bool>& is_learning);
  const std::vector<bool>& is_learning() const { return is_learning_; }
  std::int64_t first_learning() const;
  /// Replaces a stage by that of `other`. The last stage includes the head. REQUIRES: both are frozen and equally deep.
  void share_stage(std::int64_t index, const StagedModel& other);

  void to(torch::Device device);
  /// Update the low-precision copies of weights (see Stage::update_copies): of all stages, or of the learning ones
  /// after a step.
  void update_copies();
  void update_learning_copies();
  /// Choose the statistics of batch norm in all stages, frozen ones too: running ones, or (initially) the
  /// micro-batch's. The paper trains frozen stages in train() too.
  void eval();
  void train();

  /// Returns the head's output for images (batch, channels, height, width). `kept` has the entries of all blocks of the
  /// model, on its device.
  torch::Tensor forward(const torch::Tensor& images, KeptBranches kept);
  /// Returns the same, from the input of stage `first` on.
  torch::Tensor forward_from(std::int64_t first, Activations activations, KeptBranches kept);
  /// Replaces `activations`, the input of stage `index`, by that stage's output. `kept` is that of the whole model.
  void forward_stage(std::int64_t index, Activations& activations, KeptBranches kept);
  /// Does the same as forward_stage() with a known output.
  void take_output(std::int64_t index, Activations& activations, torch::Tensor output);

 private:
  ModelSpec spec_;
  std::shared_ptr<Head> head_;
  std::vector<std::shared_ptr<Stage>> stages_;
  std::vector<bool> is_learning_;
};

}  // namespace incubate
