#pragma once

#include <vector>

#include <torch/types.h>

#include "model/staged_model.h"

namespace incubate {

/// What the frozen stages before a model's first learning one make of a micro-batch, computed once for all models that
/// share those stages (see StagedModel::share_stage) and their stochastic depth.
class FrozenPrefix {
 public:
  /// `images` (batch, channels, height, width); `branch_scales` of all models to come, in their prefix.
  FrozenPrefix(torch::Tensor images, torch::Tensor branch_scales);

  const torch::Tensor& branch_scales() const { return branch_scales_; }
  /// The input of the model's first learning stage.
  torch::Tensor input_of(StagedModel& model);

 private:
  struct Link {
    const Stage* stage;
    torch::Tensor output;
  };

  torch::Tensor images_;
  torch::Tensor branch_scales_;
  std::vector<Link> chain_;
};

}  // namespace incubate
