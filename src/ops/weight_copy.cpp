#include "ops/weight_copy.h"

#include <optional>
#include <string_view>
#include <vector>

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/torch.h>

#include "kernels/packing.h"
#include "ops/best_product.h"
#include "ops/element_type.h"

namespace incubate {
namespace {

/// Packing takes 0.1 ms however small the weight, more than products of smaller ones gain.
constexpr std::int64_t kFewestValues = 32768;

// What torch.compile makes of a linear layer, too: oneDNN's inner product with a weight in an order of its own.

torch::Tensor pack(const torch::Tensor& weight) {
  static const auto reorder = c10::Dispatcher::singleton()
                                  .findSchemaOrThrow("mkldnn::_reorder_linear_weight", "")
                                  .typed<at::Tensor(const at::Tensor&, std::optional<c10::SymInt>)>();
  return reorder.call(weight, std::nullopt);
}

torch::Tensor multiply_packed(const torch::Tensor& x, const torch::Tensor& packed) {
  using Scalars = c10::List<std::optional<at::Scalar>>;
  static const auto linear =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("mkldnn::_linear_pointwise", "")
          .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&, std::string_view,
                            Scalars, std::optional<std::string_view>)>();
  return linear.call(x, packed, std::nullopt, "none", Scalars(), "");
}

torch::Tensor transposed(const torch::Tensor& values) {
  torch::Tensor result = torch::empty({values.size(1), values.size(0)}, values.options());
  transpose(elements_of<Bfloat16>(values), values.size(1), values.size(0), values.size(1),
            elements_of<Bfloat16>(result), values.size(0));
  return result;
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

bool WeightCopy::is_to_be_packed() const {
  return values_.is_cpu() && values_.numel() >= kFewestValues && values_.size(0) % 2 == 0 && has_matrix_unit();
}

torch::Tensor WeightCopy::product(const torch::Tensor& x) {
  const torch::NoGradGuard no_grad;
  if (!is_to_be_packed()) return at::mm(x, values_.t());
  if (!packed_.defined()) packed_ = pack(values_);
  return multiply_packed(x, packed_);
}

torch::Tensor WeightCopy::transposed_product(const torch::Tensor& gradient) {
  const torch::NoGradGuard no_grad;
  if (!is_to_be_packed()) return at::mm(gradient, values_);
  if (!packed_transposed_.defined()) packed_transposed_ = pack(transposed(values_));
  return multiply_packed(gradient, packed_transposed_);
}

}  // namespace incubate
