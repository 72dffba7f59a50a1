#include "ops/residual_norm.h"

#include <torch/torch.h>

#include "ops/cpu_ops.h"
#include "ops/record_op.h"

namespace incubate {

Normalised residual_norm(const Residual& residual, const NormParameters& norm, const KeptSamples& kept,
                         at::ScalarType type) {
  INCUBATE_RECORD_OP("residual_norm");
  if (const CpuOps* cpu = cpu_ops_for(residual.x)) return cpu->residual_norm(residual, norm, kept, type);
  const torch::Tensor sum = residual_sum(residual);
  const torch::Tensor chosen = kept.has_all() ? sum : sum.index_select(0, kept.samples);
  return {sum, at::layer_norm(chosen, {sum.size(2)}, norm.weight, norm.bias, norm.epsilon).to(type)};
}

torch::Tensor residual_sum(const Residual& residual) {
  INCUBATE_RECORD_OP("residual_sum");
  const Branch& b = residual.branch;
  const torch::Tensor& x = residual.x;
  if (!b.values.defined()) return x;
  if (const CpuOps* cpu = cpu_ops_for(x)) return cpu->residual_sum(residual);
  torch::Tensor values = b.values.to(x.scalar_type());
  if (b.bias.defined()) values = values + b.bias;
  if (b.scale.defined()) values = values * b.scale;
  if (b.kept.has_all()) return x + values;
  const torch::Tensor factors = b.kept.factors.to(x.scalar_type()).view({-1, 1, 1});
  return x.index_add(0, b.kept.samples, values * factors);
}

}  // namespace incubate
