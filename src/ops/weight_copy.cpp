#include "ops/weight_copy.h"

#include <torch/torch.h>

#include "ops/cpu_ops.h"

namespace incubate {
namespace {

/// Returns x W^T. Packs the weight into `packed` first, if that is undefined and packing pays.
torch::Tensor multiply(const torch::Tensor& x, const torch::Tensor& weight, torch::Tensor& packed) {
  const torch::NoGradGuard no_grad;
  const CpuOps* cpu = cpu_ops_for(weight);
  if (cpu != nullptr && !packed.defined()) packed = cpu->pack_weight(weight);
  return packed.defined() ? cpu->packed_product(x, packed) : at::mm(x, weight.t());
}

}  // namespace

void WeightCopy::update(const torch::Tensor& weight) {
  const torch::NoGradGuard no_grad;
  if (!values_.defined() || values_.device() != weight.device()) {
    values_ = torch::empty(weight.sizes(), weight.options().dtype(torch::kBFloat16));
  }
  values_.copy_(weight);
  packed_.reset();
  packed_transposed_.reset();
}

torch::Tensor WeightCopy::product(const torch::Tensor& x) { return multiply(x, values_, packed_); }

torch::Tensor WeightCopy::transposed_product(const torch::Tensor& gradient) {
  return multiply(gradient, values_.t(), packed_transposed_);
}

}  // namespace incubate
