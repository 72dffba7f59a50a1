#include "ops/recompute.h"

#include <utility>

#include <torch/torch.h>

#include "ops/record_op.h"

namespace incubate {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Holds a function for the graph.
struct HeldFunction : torch::CustomClassHolder {
  explicit HeldFunction(TensorFunction f) : function(std::move(f)) {}
  TensorFunction function;
};

class Recomputed : public torch::autograd::Function<Recomputed> {
 public:
  /// `parameter` is an input although its gradient does not pass here: autograd skips a function if no input needs a
  /// gradient.
  static variable_list forward(AutogradContext* context, at::TensorList inputs, const torch::Tensor& /*parameter*/,
                               const c10::intrusive_ptr<HeldFunction>& held) {
    context->save_for_backward(inputs.vec());
    context->saved_data["function"] = c10::IValue::make_capsule(held);
    context->set_materialize_grads(false);
    return held->function(inputs.vec());
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    INCUBATE_RECORD_OP("recompute_backward");
    variable_list inputs = context->get_saved_variables();
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      inputs[i] = inputs[i].detach().set_requires_grad(context->needs_input_grad(i));
    }
    backward_through(call(context, inputs), gradients);
    variable_list result;
    for (const torch::Tensor& input : inputs) result.push_back(input.grad());
    result.resize(inputs.size() + 2);
    return result;
  }

 private:
  static variable_list call(AutogradContext* context, const variable_list& inputs) {
    const torch::AutoGradMode with_graph(true);
    const c10::intrusive_ptr<torch::CustomClassHolder> held = context->saved_data["function"].toCapsule();
    return c10::static_intrusive_pointer_cast<HeldFunction>(held)->function(inputs);
  }

  /// Adds to the gradients of the graph's leaves: inputs and parameters.
  static void backward_through(const variable_list& outputs, const variable_list& gradients) {
    variable_list roots, root_gradients;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      // No branch was computed, or nothing used the output.
      if (!outputs[i].requires_grad() || !gradients[i].defined()) continue;
      roots.push_back(outputs[i]);
      root_gradients.push_back(gradients[i]);
    }
    if (!roots.empty()) torch::autograd::backward(roots, root_gradients);
  }
};

}  // namespace

std::vector<torch::Tensor> recompute(const TensorFunction& function, const std::vector<torch::Tensor>& inputs,
                                     const torch::Tensor& parameter) {
  if (!torch::GradMode::is_enabled()) return function(inputs);
  return Recomputed::apply(at::TensorList(inputs), parameter, c10::make_intrusive<HeldFunction>(function));
}

}  // namespace incubate
