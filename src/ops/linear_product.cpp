#include "ops/linear_product.h"

#include <torch/torch.h>

#include "ops/cpu_ops.h"
#include "ops/record_op.h"

namespace incubate {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

torch::Tensor as_rows(const torch::Tensor& x) { return x.reshape({-1, x.size(-1)}); }

/// Adds gradient^T x to `sum` (out, in). `gradient` is (rows, out), `x` is (rows, in).
void add_weight_gradient(const torch::Tensor& gradient, const torch::Tensor& x, torch::Tensor& sum) {
  const CpuOps* cpu = cpu_ops_for(gradient);
  if (cpu == nullptr || !cpu->add_weight_gradient(gradient, x, sum)) sum.add_(at::mm(gradient.t(), x));
}

class LinearProduct : public torch::autograd::Function<LinearProduct> {
 public:
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x, const torch::Tensor& weight,
                               const c10::intrusive_ptr<WeightCopy>& copy) {
    // A frozen weight's gradient would be the only use of x.
    context->save_for_backward({weight.requires_grad() ? x : torch::Tensor(), weight});
    if (copy) context->saved_data["copy"] = c10::IValue::make_capsule(copy);
    std::vector<std::int64_t> sizes = x.sizes().vec();
    sizes.back() = weight.size(0);
    return (copy ? copy->product(as_rows(x)) : at::mm(as_rows(x), weight.t())).view(sizes);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    INCUBATE_RECORD_OP("linear_product_backward");
    const variable_list saved = context->get_saved_variables();
    const torch::Tensor& weight = saved[1];
    const torch::Tensor gradient = as_rows(gradients[0]);
    variable_list result(3);
    if (context->needs_input_grad(0)) {
      std::vector<std::int64_t> sizes = gradients[0].sizes().vec();
      sizes.back() = weight.size(1);
      result[0] = input_gradient(context, gradient, weight).view(sizes);
    }
    if (context->needs_input_grad(1)) result[1] = weight_gradient(gradient, as_rows(saved[0]), weight);
    return result;
  }

 private:
  static torch::Tensor input_gradient(AutogradContext* context, const torch::Tensor& gradient,
                                      const torch::Tensor& weight) {
    const auto copy = context->saved_data.find("copy");
    if (copy == context->saved_data.end()) return at::mm(gradient, weight);
    return c10::static_intrusive_pointer_cast<WeightCopy>(copy->second.toCapsule())->transposed_product(gradient);
  }

  /// Adds to the weight's gradient buffer directly, if any: autograd would write and read the product once more.
  static torch::Tensor weight_gradient(const torch::Tensor& gradient, const torch::Tensor& x,
                                       const torch::Tensor& weight) {
    torch::Tensor buffer = weight.is_leaf() ? weight.grad() : torch::Tensor();
    if (buffer.defined()) {
      add_weight_gradient(gradient, x, buffer);
      return {};
    }
    torch::Tensor sum = torch::zeros_like(weight);
    add_weight_gradient(gradient, x, sum);
    return sum;
  }
};

}  // namespace

torch::Tensor linear_product(const torch::Tensor& x, const torch::Tensor& weight,
                             const c10::intrusive_ptr<WeightCopy>& copy) {
  INCUBATE_RECORD_OP("linear_product");
  TORCH_INTERNAL_ASSERT(copy ? copy->is_defined() : weight.scalar_type() == x.scalar_type());
  return LinearProduct::apply(x, weight, copy);
}

}  // namespace incubate
