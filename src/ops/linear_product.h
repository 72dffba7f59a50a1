#pragma once

#include <torch/types.h>

#include "ops/weight_copy.h"

namespace incubate {

/// x W^T: (..., in) to (..., out), in the type of `x`: bfloat16 if there is a `copy` of the weight (out, in), else the
/// weight's own. The weight's gradient is in the weight's type, and added to the weight's buffer for it where there is
/// one. There is no bias here: what comes next adds it, in the same pass over memory.
torch::Tensor linear_product(const torch::Tensor& x, const torch::Tensor& weight,
                             const c10::intrusive_ptr<WeightCopy>& copy);

}  // namespace incubate
