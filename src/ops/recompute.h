#pragma once

#include <functional>
#include <vector>

#include <torch/types.h>

namespace incubate {

using TensorFunction = std::function<std::vector<torch::Tensor>(const std::vector<torch::Tensor>&)>;

/// Returns function(inputs). The backward pass keeps only `inputs` and calls `function` again (Chen et al., "Training
/// deep nets with sublinear memory cost", 2016). Every bit of the gradients stays the same. `parameter` is one that
/// `function` uses: with it the result needs a gradient even if no input does. Without gradient mode this only calls
/// `function`. REQUIRES until the backward pass: `function` does the same in both calls, its references live, and
/// weights do not change. Inputs and results are defined; everything else that `function` uses and that needs a
/// gradient is a leaf.
std::vector<torch::Tensor> recompute(const TensorFunction& function, const std::vector<torch::Tensor>& inputs,
                                     const torch::Tensor& parameter);

}  // namespace incubate
