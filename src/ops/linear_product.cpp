#include "ops/linear_product.h"

#include <torch/torch.h>

#include "ops/optional_input.h"
#include "ops/record_op.h"

namespace incubate {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

torch::Tensor as_rows(const torch::Tensor& x) { return x.reshape({-1, x.size(-1)}); }

class LinearProduct : public torch::autograd::Function<LinearProduct> {
 public:
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x, const torch::Tensor& weight,
                               const torch::Tensor& copy) {
    const torch::Tensor factor = copy.numel() > 0 ? copy : weight;
    // Where the weight is frozen nothing needs x.
    context->save_for_backward({weight.requires_grad() ? x : torch::Tensor(), factor});
    context->saved_data["weight_type"] = static_cast<std::int64_t>(weight.scalar_type());
    std::vector<std::int64_t> sizes = x.sizes().vec();
    sizes.back() = factor.size(0);
    return at::mm(as_rows(x), factor.t()).view(sizes);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    INCUBATE_RECORD_OP("linear_product_backward");
    const variable_list saved = context->get_saved_variables();
    const torch::Tensor gradient = as_rows(gradients[0]);
    variable_list result(3);
    if (context->needs_input_grad(0)) {
      std::vector<std::int64_t> sizes = gradients[0].sizes().vec();
      sizes.back() = saved[1].size(1);
      result[0] = at::mm(gradient, saved[1]).view(sizes);
    }
    if (context->needs_input_grad(1)) {
      const auto type = static_cast<at::ScalarType>(context->saved_data["weight_type"].toInt());
      result[1] = at::mm(gradient.t(), as_rows(saved[0])).to(type);
    }
    return result;
  }
};

}  // namespace

torch::Tensor linear_product(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& copy) {
  INCUBATE_RECORD_OP("linear_product");
  TORCH_INTERNAL_ASSERT((copy.defined() ? copy : weight).scalar_type() == x.scalar_type());
  return LinearProduct::apply(x, weight, or_empty(copy));
}

}  // namespace incubate
