#pragma once

#include <torch/types.h>

namespace incubate {

/// Returns GELU(x + bias), in the type of `x` (..., width). `bias` is (width). Overwrites `x`: the caller must not read
/// `x` afterwards.
torch::Tensor bias_gelu(const torch::Tensor& x, const torch::Tensor& bias);

}  // namespace incubate
