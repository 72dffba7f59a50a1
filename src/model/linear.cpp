#include "model/linear.h"

#include <torch/torch.h>

#include "ops/linear_product.h"

namespace incubate {

Linear::Linear(std::int64_t in_width, std::int64_t width, bool has_bias, Precision precision) : precision_(precision) {
  weight_ = register_parameter("weight", torch::empty({width, in_width}));
  if (has_bias) bias_ = register_parameter("bias", torch::empty({width}));
}

torch::Tensor Linear::product(const torch::Tensor& x) const {
  TORCH_INTERNAL_ASSERT(precision_ == Precision::fp32 || copy_.defined());
  return linear_product(x, weight_, copy_);
}

void Linear::update_copy() {
  if (precision_ == Precision::fp32) return;
  const torch::NoGradGuard no_grad;
  if (!copy_.defined() || copy_.device() != weight_.device()) {
    copy_ = torch::empty_like(weight_, torch::kBFloat16);
  }
  copy_.copy_(weight_);
}

}  // namespace incubate
