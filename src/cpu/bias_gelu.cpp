#include <torch/torch.h>

#include "cpu/element_type.h"
#include "cpu/kernels/gelu.h"
#include "cpu/operations.h"
#include "ops/record_op.h"

namespace incubate::cpu {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class BiasGelu : public torch::autograd::Function<BiasGelu> {
 public:
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x, const torch::Tensor& bias) {
    torch::Tensor result = torch::empty_like(x);
    with_element_of(x.scalar_type(), [&](auto element) {
      using T = decltype(element);
      bias_gelu(elements_of<T>(x), elements_of<float>(bias), elements_of<T>(result), x.numel() / x.size(-1),
                x.size(-1));
    });
    context->save_for_backward({x});  // x includes the bias now
    return result;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    INCUBATE_RECORD_OP("bias_gelu_backward");
    const torch::Tensor x = context->get_saved_variables()[0];
    const torch::Tensor gradient = gradients[0].contiguous();
    torch::Tensor result = torch::empty_like(gradient);
    torch::Tensor bias_gradient;
    if (context->needs_input_grad(1)) bias_gradient = torch::zeros({x.size(-1)}, torch::kFloat32);
    with_element_of(x.scalar_type(), [&](auto element) {
      using T = decltype(element);
      gelu_backward(elements_of<T>(x), elements_of<T>(gradient), elements_of<T>(result),
                    elements_of<float>(bias_gradient), x.numel() / x.size(-1), x.size(-1));
    });
    return {result, bias_gradient};
  }
};

}  // namespace

torch::Tensor bias_gelu(const torch::Tensor& x, const torch::Tensor& bias) { return BiasGelu::apply(x, bias); }

}  // namespace incubate::cpu
