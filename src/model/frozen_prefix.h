#pragma once

#include <vector>

#include <torch/types.h>

#include "model/staged_model.h"

namespace incubate {

/// What the frozen stages before a model's first learning one make of a micro-batch, computed once for all models that
/// share those stages (see StagedModel::share_stage) and their stochastic depth.
class FrozenPrefix {
 public:
  /// `images` (batch, channels, height, width); `kept` is of all models to come, in their prefix.
  FrozenPrefix(torch::Tensor images, std::vector<KeptSamples> kept);

  KeptBranches kept() const { return kept_; }
  /// The input of the model's first learning stage, with the maps of the stages before it.
  Activations input_of(StagedModel& model);

 private:
  struct Link {
    const Stage* stage;
    torch::Tensor output;
  };

  torch::Tensor images_;
  std::vector<KeptSamples> kept_;
  std::vector<Link> chain_;
};

}  // namespace incubate
