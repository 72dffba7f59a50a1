#pragma once

#include <memory>
#include <vector>

#include <torch/types.h>

#include "model/head.h"
#include "model/stage.h"

namespace incubate {

/// The output of the first stages of a network.
struct Activations {
  torch::Tensor x;                       ///< the input of the next stage, or of Stage::summarise() behind the last one
  std::vector<torch::Tensor> maps = {};  ///< those of these stages that the head has asked for
};

/// A network: stages in order, some of which learn, and a head, which belongs to the last stage. The other stages are
/// frozen: their weights get no gradient, and what runs before the first learning stage records no graph. Frozen stages
/// keep their stochastic depth, as the method has it.
class StagedModel {
 public:
  /// All stages learn; weights are undefined until initialised or loaded.
  StagedModel(const ModelSpec& spec, std::shared_ptr<Head> head);

  const ModelSpec& spec() const { return spec_; }
  std::int64_t num_stages() const { return spec_.num_stages(); }
  Stage& stage(std::int64_t index) { return *stages_[index]; }
  Head& head() { return *head_; }
  FeatureRequest request() const { return head_->request(); }

  /// The parameters of a stage, and all that a file holds of it (parameters, running statistics); with the head's
  /// behind those of the last stage.
  std::vector<ParameterInfo> list_parameters(std::int64_t stage_index);
  std::vector<NamedTensor> list_state(std::int64_t stage_index);
  /// Random first weights of a stage, and of the head with the last one.
  void initialise(std::int64_t stage_index, std::uint64_t seed, Phase phase);

  /// Freezes every stage whose entry is false. REQUIRES: one entry a stage, at least one of them true.
  void set_learning(const std::vector<bool>& is_learning);
  const std::vector<bool>& is_learning() const { return is_learning_; }
  std::int64_t first_learning() const;
  /// Uses the stage of `other` instead of its own, the last one with its head. REQUIRES: both are frozen and of one
  /// depth.
  void share_stage(std::int64_t index, const StagedModel& other);

  void to(torch::Device device);
  /// Makes the copies of weights that stages compute with in a lower precision (see Stage::update_copies): of all
  /// stages, and of those that learn, whose weights a step has changed.
  void update_copies();
  void update_learning_copies();
  /// What batch norm goes by in all stages: running statistics, or (as a model does at first) those of each
  /// micro-batch. Frozen stages train too: the method has them so.
  void eval();
  void train();

  /// What the head makes of images (batch, channels, height, width). `kept` is of all blocks of the model, on its
  /// device.
  torch::Tensor forward(const torch::Tensor& images, KeptBranches kept);
  /// The same from stage `first` on.
  torch::Tensor forward_from(std::int64_t first, Activations activations, KeptBranches kept);
  /// Replaces `activations`, the input of stage `index`, by that stage's output. `kept` is still of the whole model.
  void forward_stage(std::int64_t index, Activations& activations, KeptBranches kept);
  /// The same with an output that is known already.
  void take_output(std::int64_t index, Activations& activations, torch::Tensor output);

 private:
  ModelSpec spec_;
  std::shared_ptr<Head> head_;
  std::vector<std::shared_ptr<Stage>> stages_;
  std::vector<bool> is_learning_;
};

}  // namespace incubate
