#pragma once

#include <torch/types.h>

namespace incubate {

/// x W^T: (..., in) to (..., out), in the type of `x`. `copy` is the weight (out, in) in that type, or undefined if the
/// weight has it. The weight's gradient is in the weight's own type. There is no bias here: what comes next adds it, in
/// the same pass over memory.
torch::Tensor linear_product(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& copy);

}  // namespace incubate
