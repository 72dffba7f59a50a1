#include <optional>
#include <string_view>
#include <vector>

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/torch.h>

#include "cpu/element_type.h"
#include "cpu/kernels/packing.h"
#include "cpu/matrix_unit.h"
#include "cpu/operations.h"

namespace incubate::cpu {
namespace {

/// Packing takes 0.1 ms for every weight. Products of smaller weights gain less.
constexpr std::int64_t kFewestValues = 32768;

torch::Tensor transposed(const torch::Tensor& values) {
  torch::Tensor result = torch::empty({values.size(1), values.size(0)}, values.options());
  transpose(elements_of<Bfloat16>(values), values.size(1), values.size(0), values.size(1),
            elements_of<Bfloat16>(result), values.size(0));
  return result;
}

}  // namespace

// torch.compile does the same for linear layers: oneDNN's inner product with a weight in oneDNN's own order.

torch::Tensor pack_weight(const torch::Tensor& weight) {
  const torch::Tensor values = weight.is_contiguous() ? weight : weight.t();
  if (values.numel() < kFewestValues || values.size(0) % 2 != 0 || !has_matrix_unit()) return {};
  static const auto reorder = c10::Dispatcher::singleton()
                                  .findSchemaOrThrow("mkldnn::_reorder_linear_weight", "")
                                  .typed<at::Tensor(const at::Tensor&, std::optional<c10::SymInt>)>();
  return reorder.call(weight.is_contiguous() ? weight : transposed(values), std::nullopt);
}

torch::Tensor packed_product(const torch::Tensor& x, const torch::Tensor& packed) {
  using Scalars = c10::List<std::optional<at::Scalar>>;
  static const auto linear =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("mkldnn::_linear_pointwise", "")
          .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&, std::string_view,
                            Scalars, std::optional<std::string_view>)>();
  return linear.call(x, packed, std::nullopt, "none", Scalars(), "");
}

}  // namespace incubate::cpu
