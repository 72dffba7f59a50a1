#pragma once

#include <torch/types.h>

#include "ops/kept_samples.h"

namespace incubate {

// Shapes: N samples, T tokens, D width; S samples kept (see KeptSamples).

/// A residual branch that is not yet added: factor * scale * (values + bias).
struct Branch {
  torch::Tensor values;  ///< (S, T, D); undefined: no branch
  torch::Tensor bias;    ///< (D), bias of the branch's last product
  torch::Tensor scale;   ///< (D), of LayerScale; or undefined
  KeptSamples kept;
};

/// The residual stream between blocks: x + branch, where x is (N, T, D).
struct Residual {
  torch::Tensor x;
  Branch branch;
};

struct NormParameters {
  torch::Tensor weight;  ///< (D)
  torch::Tensor bias;    ///< (D)
  double epsilon = 0;
};

struct Normalised {
  torch::Tensor sum;     ///< (N, T, D)
  torch::Tensor values;  ///< (S, T, D)
};

/// Returns the sum and, in `type`, the LayerNorm over the width of the samples in `kept`.
Normalised residual_norm(const Residual& residual, const NormParameters& norm, const KeptSamples& kept,
                         at::ScalarType type);

/// Returns x + branch, (N, T, D).
torch::Tensor residual_sum(const Residual& residual);

}  // namespace incubate
