#pragma once

#include <vector>

#include <torch/types.h>

#include "model/staged_model.h"

namespace incubate {

/// Outputs of the frozen stages before the first learning stage for one micro-batch. They are computed once for all
/// models that share these stages (see StagedModel::share_stage) and their stochastic depth.
class FrozenPrefix {
 public:
  /// `images` are (batch, channels, height, width). `kept` holds for the prefix of every model.
  FrozenPrefix(torch::Tensor images, std::vector<KeptSamples> kept);

  KeptBranches kept() const { return kept_; }
  /// Returns the input of the model's first learning stage, with the maps of the stages before it.
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
