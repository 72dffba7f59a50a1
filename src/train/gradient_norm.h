#pragma once

#include <string>

#include <torch/types.h>

#include "parallel/process_group.h"

namespace incubate {

/// Returns the L2 norm of the first `size` values of a flat float tensor: one double, on the tensor's device. Each rank
/// has all values, or with `is_shared` only its ProcessGroup::chunk(). On the CPU the bits are the same, because blocks
/// that no chunk cuts are summed first. Does not wait for a GPU. Collective with `is_shared`.
torch::Tensor gradient_norm(const torch::Tensor& gradients, std::int64_t size, ProcessGroup& group, bool is_shared,
                            const std::string& what);

}  // namespace incubate
