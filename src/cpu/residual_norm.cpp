#include "cpu/kernels/residual_norm.h"

#include <torch/torch.h>

#include "cpu/element_type.h"
#include "cpu/operations.h"
#include "cpu/optional_input.h"
#include "ops/record_op.h"

namespace incubate::cpu {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr at::ScalarType kNoNorm = at::ScalarType::Undefined;

RowShape shape_of(const torch::Tensor& x) { return {.samples = x.size(0), .rows = x.size(1), .width = x.size(2)}; }

torch::Tensor empty_of(const KeptSamples& kept, const torch::Tensor& x, at::ScalarType type) {
  const std::int64_t samples = kept.has_all() ? x.size(0) : kept.samples.numel();
  return torch::empty({samples, x.size(1), x.size(2)}, type);
}

template <typename T>
KernelBranch<T> branch_of(const torch::Tensor& values, const torch::Tensor& bias, const torch::Tensor& scale,
                          const KeptSamples& kept) {
  return {.values = elements_of<T>(values),
          .bias = elements_of<float>(bias),
          .scale = elements_of<float>(scale),
          .factors = elements_of<float>(kept.factors),
          .places = elements_of<std::int64_t>(kept.places)};
}

template <typename T>
KernelNorm<T> norm_of(const torch::Tensor& values, const NormParameters& norm, const torch::Tensor& mean,
                      const torch::Tensor& inverse, const KeptSamples& kept) {
  return {.values = elements_of<T>(values),
          .weight = elements_of<float>(norm.weight),
          .bias = elements_of<float>(norm.bias),
          .epsilon = static_cast<float>(norm.epsilon),
          .mean = elements_of<float>(mean),
          .inverse = elements_of<float>(inverse),
          .places = elements_of<std::int64_t>(kept.places)};
}

/// Indices of the inputs that have gradients.
enum Input : std::size_t { kX, kBranch, kBranchBias, kBranchScale, kNormWeight, kNormBias, kNumInputs };

/// Computes the sum, and its norm unless `type` is kNoNorm.
class ResidualNorm : public torch::autograd::Function<ResidualNorm> {
 public:
  static variable_list forward(AutogradContext* context, const torch::Tensor& x, const torch::Tensor& branch_input,
                               const torch::Tensor& branch_bias_input, const torch::Tensor& branch_scale_input,
                               const torch::Tensor& norm_weight_input, const torch::Tensor& norm_bias_input,
                               const KeptSamples& branch_kept, const KeptSamples& norm_kept, double epsilon,
                               at::ScalarType type) {
    const torch::Tensor branch = or_undefined(branch_input);
    const torch::Tensor branch_bias = or_undefined(branch_bias_input);
    const torch::Tensor branch_scale = or_undefined(branch_scale_input);
    const torch::Tensor norm_weight = or_undefined(norm_weight_input);
    const torch::Tensor norm_bias = or_undefined(norm_bias_input);
    torch::Tensor sum = torch::empty_like(x);
    torch::Tensor values, mean, inverse;
    if (type != kNoNorm) {
      values = empty_of(norm_kept, x, type);
      mean = torch::empty({values.size(0), values.size(1)});
      inverse = torch::empty_like(mean);
    }
    const at::ScalarType element_type = branch.defined() ? branch.scalar_type() : type;
    with_element_of(element_type, [&](auto element) {
      using T = decltype(element);
      residual_norm(elements_of<float>(x), branch_of<T>(branch, branch_bias, branch_scale, branch_kept),
                    elements_of<float>(sum),
                    norm_of<T>(values, {norm_weight, norm_bias, epsilon}, mean, inverse, norm_kept), shape_of(x));
    });
    context->save_for_backward({sum, branch_scale.defined() ? branch : torch::Tensor(), branch_bias, branch_scale,
                                norm_weight, mean, inverse, branch_kept.places, branch_kept.factors, norm_kept.places});
    context->saved_data["branch_samples"] = branch.defined() ? branch.size(0) : 0;
    context->saved_data["type"] = static_cast<std::int64_t>(element_type);
    return type == kNoNorm ? variable_list{sum} : variable_list{sum, values};
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    INCUBATE_RECORD_OP("residual_norm_backward");
    const variable_list saved = context->get_saved_variables();
    const torch::Tensor& sum = saved[0];
    const auto type = static_cast<at::ScalarType>(context->saved_data["type"].toInt());
    const std::int64_t branch_samples = context->saved_data["branch_samples"].toInt();
    const auto vector_gradient = [&](Input input) {
      return context->needs_input_grad(input) ? torch::zeros({sum.size(2)}) : torch::Tensor();
    };
    variable_list result(kNumInputs + 4);
    result[kX] = torch::empty_like(sum);
    if (branch_samples > 0) {
      result[kBranch] = torch::empty({branch_samples, sum.size(1), sum.size(2)}, type);
      result[kBranchBias] = vector_gradient(kBranchBias);
      if (saved[3].defined()) result[kBranchScale] = vector_gradient(kBranchScale);
    }
    const bool has_norm = gradients.size() > 1 && gradients[1].defined();
    if (has_norm) {
      result[kNormWeight] = vector_gradient(kNormWeight);
      result[kNormBias] = vector_gradient(kNormBias);
    }
    const torch::Tensor sum_gradient = gradients[0].defined() ? gradients[0].contiguous() : torch::Tensor();
    const torch::Tensor norm_gradient = has_norm ? gradients[1].contiguous() : torch::Tensor();
    const KeptSamples branch_kept = {.samples = {}, .places = saved[7], .factors = saved[8]};
    const KeptSamples norm_kept = {.samples = {}, .places = saved[9], .factors = {}};
    with_element_of(type, [&](auto element) {
      using T = decltype(element);
      const torch::Tensor& branch = saved[1].defined() ? saved[1] : result[kBranch];  // read for the scale's gradient
      residual_norm_backward(elements_of<float>(sum), elements_of<float>(sum_gradient),
                             norm_of<T>(norm_gradient, {saved[4], {}, 0}, saved[5], saved[6], norm_kept),
                             branch_of<T>(branch, saved[2], saved[3], branch_kept), elements_of<float>(result[kX]),
                             elements_of<T>(result[kBranch]),
                             {.norm_weight = elements_of<float>(result[kNormWeight]),
                              .norm_bias = elements_of<float>(result[kNormBias]),
                              .branch_bias = elements_of<float>(result[kBranchBias]),
                              .branch_scale = elements_of<float>(result[kBranchScale])},
                             shape_of(sum));
    });
    return result;
  }
};

variable_list apply(const Residual& residual, const NormParameters& norm, const KeptSamples& kept,
                    at::ScalarType type) {
  const Branch& b = residual.branch;
  return ResidualNorm::apply(residual.x.contiguous(), or_empty(b.values), or_empty(b.bias), or_empty(b.scale),
                             or_empty(norm.weight), or_empty(norm.bias), b.kept, kept, norm.epsilon, type);
}

}  // namespace

Normalised residual_norm(const Residual& residual, const NormParameters& norm, const KeptSamples& kept,
                         at::ScalarType type) {
  const variable_list both = apply(residual, norm, kept, type);
  return {both[0], both[1]};
}

torch::Tensor residual_sum(const Residual& residual) { return apply(residual, {}, {}, kNoNorm)[0]; }

}  // namespace incubate::cpu
