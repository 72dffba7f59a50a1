#pragma once

#include <functional>
#include <vector>

#include <torch/types.h>

namespace incubate {

using TensorFunction = std::function<std::vector<torch::Tensor>(const std::vector<torch::Tensor>&)>;

/// function(inputs), of which the backward pass keeps `inputs` alone: there `function` is called once more (Chen et
/// al., "Training deep nets with sublinear memory cost", 2016), which changes no bit of a gradient. `parameter` is one
/// that `function` uses: it makes the result need a gradient where no input does. Without gradient mode it is
/// function(inputs) and nothing else. REQUIRES: inputs and results are defined. `function` does the same in both calls;
/// what it refers to lives, and the weights stay as they are, until the backward pass; and what it uses beside `inputs`
/// and needs a gradient is a leaf.
std::vector<torch::Tensor> recompute(const TensorFunction& function, const std::vector<torch::Tensor>& inputs,
                                     const torch::Tensor& parameter);

}  // namespace incubate
