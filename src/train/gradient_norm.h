#pragma once

#include <string>

#include <torch/types.h>

#include "parallel/process_group.h"

namespace incubate {

/// The L2 norm of a flat float tensor, of which each rank has its ProcessGroup::chunk() if it `is_shared` among them,
/// else all of it; one double, on the tensor's device. The same bits either way on the CPU: blocks that no chunk cuts
/// are summed first. `size`: of the tensor's first values alone. Collective if it is shared; nothing waits for a GPU.
torch::Tensor gradient_norm(const torch::Tensor& gradients, std::int64_t size, ProcessGroup& group, bool is_shared,
                            const std::string& what);

}  // namespace incubate
