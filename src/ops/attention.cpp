#include "ops/attention.h"

#include <array>
#include <cmath>

#include <torch/torch.h>

#include "kernels/column_sums.h"
#include "kernels/heads.h"
#include "kernels/softmax.h"
#include "ops/element_type.h"
#include "ops/optional_input.h"

namespace incubate {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// (batch, tokens, parts * D), whose part `part` gets or has the shape (batch * heads, tokens, head width).
torch::Tensor split(const torch::Tensor& tokens, const torch::Tensor& bias, std::int64_t part, const HeadShape& shape) {
  torch::Tensor heads = torch::empty({shape.samples * shape.heads, shape.tokens, shape.head_width}, tokens.options());
  with_element_of(tokens.scalar_type(), [&](auto element) {
    using T = decltype(element);
    const std::int64_t offset = part * shape.width();
    split_heads(elements_of<T>(tokens) + offset, tokens.size(2),
                bias.defined() ? elements_of<float>(bias) + offset : nullptr, elements_of<T>(heads), shape);
  });
  return heads;
}

void merge(const torch::Tensor& heads, torch::Tensor& tokens, std::int64_t part, const HeadShape& shape) {
  with_element_of(heads.scalar_type(), [&](auto element) {
    using T = decltype(element);
    merge_heads(elements_of<T>(heads), elements_of<T>(tokens) + (part * shape.width()), tokens.size(2), shape);
  });
}

float scale_of(const HeadShape& shape) { return 1 / std::sqrt(static_cast<float>(shape.head_width)); }

class HeadAttention : public torch::autograd::Function<HeadAttention> {
 public:
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& qkv, const torch::Tensor& bias_input,
                               std::int64_t heads) {
    const torch::Tensor bias = or_undefined(bias_input);
    const HeadShape shape = {
        .samples = qkv.size(0), .tokens = qkv.size(1), .heads = heads, .head_width = qkv.size(2) / 3 / heads};
    const torch::Tensor queries = split(qkv, bias, 0, shape);
    const torch::Tensor keys = split(qkv, bias, 1, shape);
    const torch::Tensor values = split(qkv, bias, 2, shape);
    torch::Tensor weights = at::bmm(queries, keys.transpose(1, 2));
    with_element_of(weights.scalar_type(), [&](auto element) {
      using T = decltype(element);
      softmax(elements_of<T>(weights), scale_of(shape), weights.size(0) * shape.tokens, shape.tokens);
    });
    context->save_for_backward({queries, keys, values, weights});
    context->saved_data["heads"] = heads;
    torch::Tensor result = torch::empty({shape.samples, shape.tokens, shape.width()}, qkv.options());
    merge(at::bmm(weights, values), result, 0, shape);
    return result;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const torch::Tensor& queries = saved[0];
    const torch::Tensor& keys = saved[1];
    const torch::Tensor& values = saved[2];
    const torch::Tensor& weights = saved[3];
    const std::int64_t heads = context->saved_data["heads"].toInt();
    const HeadShape shape = {
        .samples = queries.size(0) / heads, .tokens = queries.size(1), .heads = heads, .head_width = queries.size(2)};
    const torch::Tensor gradient = split(gradients[0].contiguous(), {}, 0, shape);
    torch::Tensor scores = at::bmm(gradient, values.transpose(1, 2));
    torch::Tensor result = torch::empty({shape.samples, shape.tokens, 3 * shape.width()}, queries.options());
    merge(at::bmm(weights.transpose(1, 2), gradient), result, 2, shape);
    with_element_of(scores.scalar_type(), [&](auto element) {
      using T = decltype(element);
      softmax_backward(elements_of<T>(weights), elements_of<T>(scores), scale_of(shape), scores.size(0) * shape.tokens,
                       shape.tokens);
    });
    merge(at::bmm(scores, keys), result, 0, shape);
    merge(at::bmm(scores.transpose(1, 2), queries), result, 1, shape);
    torch::Tensor bias_gradient;
    if (context->needs_input_grad(1)) {
      bias_gradient = torch::zeros({result.size(2)}, torch::kFloat32);
      with_element_of(result.scalar_type(), [&](auto element) {
        using T = decltype(element);
        add_rows(elements_of<T>(result), elements_of<float>(bias_gradient), result.size(0) * result.size(1),
                 result.size(2));
      });
    }
    return {result, bias_gradient, {}};
  }
};

torch::Tensor attention_by_aten(const torch::Tensor& qkv, const torch::Tensor& bias, std::int64_t heads) {
  const std::int64_t width = qkv.size(2) / 3;
  const torch::Tensor sum = bias.defined() ? qkv + bias.to(qkv.scalar_type()) : qkv;
  const torch::Tensor parts = sum.view({qkv.size(0), qkv.size(1), 3, heads, width / heads}).permute({2, 0, 3, 1, 4});
  return at::scaled_dot_product_attention(parts[0], parts[1], parts[2])
      .transpose(1, 2)
      .reshape({qkv.size(0), qkv.size(1), width});
}

}  // namespace

torch::Tensor attention(const torch::Tensor& qkv, const torch::Tensor& bias, std::int64_t heads) {
  return has_kernels(qkv) ? HeadAttention::apply(qkv, or_empty(bias), heads) : attention_by_aten(qkv, bias, heads);
}

}  // namespace incubate
