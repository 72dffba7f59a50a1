#pragma once

#include <memory>
#include <vector>

#include <torch/types.h>

#include "model/stage.h"

namespace incubate {

/// A network: stages in order, some of which learn. The others are frozen: their weights get no gradient, and what runs
/// before the first learning stage records no graph. Frozen stages keep their stochastic depth, as the method has it.
class StagedModel {
 public:
  /// All stages learn; weights are undefined until initialised or loaded.
  explicit StagedModel(const ModelSpec& spec);

  const ModelSpec& spec() const { return spec_; }
  std::int64_t num_stages() const { return spec_.num_stages(); }
  Stage& stage(std::int64_t index) { return *stages_[index]; }

  /// Freezes every stage whose entry is false. REQUIRES: one entry a stage, at least one of them true.
  void set_learning(const std::vector<bool>& is_learning);
  const std::vector<bool>& is_learning() const { return is_learning_; }
  std::int64_t first_learning() const;
  /// Uses the stage of `other` instead of its own. REQUIRES: both are frozen and of one depth.
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

  /// Logits (batch, classes) of images (batch, channels, height, width). `kept` is of all blocks of the model, on its
  /// device.
  torch::Tensor forward(const torch::Tensor& images, KeptBranches kept);
  /// The same from stage `first` on, whose input is `x`.
  torch::Tensor forward_from(std::int64_t first, torch::Tensor x, KeptBranches kept);
  /// Every stage's output, in order: for heads that need several depths.
  std::vector<torch::Tensor> stage_outputs(const torch::Tensor& images, KeptBranches kept);
  /// The output of one stage. `kept` is still of the whole model.
  torch::Tensor forward_stage(std::int64_t index, const torch::Tensor& x, KeptBranches kept);

 private:
  ModelSpec spec_;
  std::vector<std::shared_ptr<Stage>> stages_;
  std::vector<bool> is_learning_;
};

}  // namespace incubate
