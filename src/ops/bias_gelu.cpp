#include "ops/bias_gelu.h"

#include <torch/torch.h>

#include "ops/cpu_ops.h"
#include "ops/record_op.h"

namespace incubate {

torch::Tensor bias_gelu(const torch::Tensor& x, const torch::Tensor& bias) {
  INCUBATE_RECORD_OP("bias_gelu");
  if (const CpuOps* cpu = cpu_ops_for(x)) return cpu->bias_gelu(x, bias);
  return at::gelu(x + bias.to(x.scalar_type()));
}

}  // namespace incubate
