// Replaces all other files of this folder if INCUBATE_CPU_KERNELS=OFF.

#include "ops/cpu_ops.h"

namespace incubate {

const CpuOps* cpu_ops_for(const torch::Tensor& /*x*/) { return nullptr; }

}  // namespace incubate
