#include "ops/attention.h"

#include <torch/torch.h>

#include "ops/cpu_ops.h"
#include "ops/record_op.h"

namespace incubate {

torch::Tensor attention(const torch::Tensor& qkv, const torch::Tensor& bias, std::int64_t heads,
                        std::int64_t num_queries) {
  INCUBATE_RECORD_OP("attention");
  if (const CpuOps* cpu = cpu_ops_for(qkv)) return cpu->attention(qkv, bias, heads, num_queries);
  const std::int64_t width = qkv.size(2) / 3;
  const torch::Tensor sum = bias.defined() ? qkv + bias.to(qkv.scalar_type()) : qkv;
  const torch::Tensor parts = sum.view({qkv.size(0), qkv.size(1), 3, heads, width / heads}).permute({2, 0, 3, 1, 4});
  return at::scaled_dot_product_attention(parts[0].narrow(2, 0, num_queries), parts[1], parts[2])
      .transpose(1, 2)
      .reshape({qkv.size(0), num_queries, width});
}

}  // namespace incubate
