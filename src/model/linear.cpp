#include "model/linear.h"

#include <torch/torch.h>

#include "ops/linear_product.h"

namespace incubate {

c10::intrusive_ptr<WeightCopy> make_copy(Precision precision) {
  return precision == Precision::bf16 ? c10::make_intrusive<WeightCopy>() : nullptr;
}

Linear::Linear(std::int64_t in_width, std::int64_t width, bool has_bias, Precision precision)
    : copy_(make_copy(precision)) {
  weight_ = register_parameter("weight", torch::empty({width, in_width}));
  if (has_bias) bias_ = register_parameter("bias", torch::empty({width}));
}

torch::Tensor Linear::product(const torch::Tensor& x) const { return linear_product(x, weight_, copy_); }

void Linear::update_copy() {
  if (copy_) copy_->update(weight_);
}

}  // namespace incubate
