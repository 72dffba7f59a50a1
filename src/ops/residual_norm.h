#pragma once

#include <torch/types.h>

#include "ops/kept_samples.h"

namespace incubate {

// Shapes: N samples, T tokens, D width; S samples kept (see KeptSamples).

/// A residual branch that is still to be added: factor * scale * (values + bias).
struct Branch {
  torch::Tensor values;  ///< (S, T, D); undefined: there is none
  torch::Tensor bias;    ///< (D), of its last product
  torch::Tensor scale;   ///< (D), LayerScale's, or undefined
  KeptSamples kept;
};

/// What runs through blocks: x + branch, where x is (N, T, D).
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

/// The sum, and of the samples in `kept` its LayerNorm over the width, in `type`.
Normalised residual_norm(const Residual& residual, const NormParameters& norm, const KeptSamples& kept,
                         at::ScalarType type);

/// The sum.
torch::Tensor residual_sum(const Residual& residual);

}  // namespace incubate
