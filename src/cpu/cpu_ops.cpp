#include "cpu/operations.h"

namespace incubate {

const CpuOps* cpu_ops_for(const torch::Tensor& x) {
  static constexpr CpuOps kOps = {.attention = cpu::attention,
                                  .bias_gelu = cpu::bias_gelu,
                                  .residual_norm = cpu::residual_norm,
                                  .residual_sum = cpu::residual_sum,
                                  .pack_weight = cpu::pack_weight,
                                  .packed_product = cpu::packed_product,
                                  .add_weight_gradient = cpu::add_weight_gradient};
  const bool has_kernels = x.is_cpu() && (x.scalar_type() == torch::kFloat32 || x.scalar_type() == torch::kBFloat16);
  return has_kernels ? &kOps : nullptr;
}

}  // namespace incubate
