#pragma once

#include <torch/types.h>

namespace incubate {

/// GELU(x + bias), in the type of `x` (..., width). `bias` is (width). Takes `x` over: nothing else may look at its
/// values afterwards.
torch::Tensor bias_gelu(const torch::Tensor& x, const torch::Tensor& bias);

}  // namespace incubate
