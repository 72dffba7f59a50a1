#pragma once

#include <torch/types.h>

namespace incubate {

/// sum (out, in) += gradient^T x, of (rows, out) and (rows, in); `sum` is contiguous, in fp32.
void add_weight_gradient(const torch::Tensor& gradient, const torch::Tensor& x, torch::Tensor& sum);

}  // namespace incubate
