#pragma once

#include <torch/types.h>

#include "ops/weight_copy.h"

namespace incubate {

/// Returns x W^T, (..., in) to (..., out). The result and `x` are bfloat16 if there is a `copy` of the weight (out,
/// in), else the weight's type. The weight's gradient has the weight's type and is added to the weight's gradient
/// buffer, if any. The next operation adds the bias, in the same pass over memory.
torch::Tensor linear_product(const torch::Tensor& x, const torch::Tensor& weight,
                             const c10::intrusive_ptr<WeightCopy>& copy);

}  // namespace incubate
