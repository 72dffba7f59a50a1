#include <cmath>

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include "cpu/element_type.h"
#include "cpu/kernels/column_sums.h"
#include "cpu/kernels/fused_attention.h"
#include "cpu/kernels/heads.h"
#include "cpu/kernels/softmax.h"
#include "cpu/matrix_unit.h"
#include "cpu/operations.h"
#include "cpu/optional_input.h"
#include "ops/record_op.h"

namespace incubate::cpu {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Returns the shape of the heads of the first `num_tokens` tokens, one row each. `tokens` is (batch, tokens, parts *
/// D).
HeadShape shape_of(const torch::Tensor& tokens, std::int64_t num_tokens, std::int64_t parts, std::int64_t heads) {
  return {.samples = tokens.size(0),
          .all_tokens = tokens.size(1),
          .tokens = num_tokens,
          .rows = num_tokens,
          .heads = heads,
          .head_width = tokens.size(2) / parts / heads};
}

/// Returns the shape of keys and values: all tokens, then rows of zeros, so that a query's weights fill whole vectors.
HeadShape keys_shape(HeadShape shape) {
  constexpr std::int64_t kMultiple = 2 * kSoftmaxLanes;  // the multiple to which bfloat16 products round up anyway
  shape.tokens = shape.all_tokens;
  shape.rows = (shape.tokens + kMultiple - 1) / kMultiple * kMultiple;
  return shape;
}

/// Returns part `part` of (batch, tokens, parts * D), as (batch * heads, rows, head width).
torch::Tensor split(const torch::Tensor& tokens, const torch::Tensor& bias, std::int64_t part, const HeadShape& shape) {
  INCUBATE_RECORD_OP("split_heads");
  torch::Tensor heads = torch::empty({shape.samples * shape.heads, shape.rows, shape.head_width}, tokens.options());
  with_element_of(tokens.scalar_type(), [&](auto element) {
    using T = decltype(element);
    const std::int64_t offset = part * shape.width();
    split_heads(elements_of<T>(tokens) + offset, tokens.size(2),
                bias.defined() ? elements_of<float>(bias) + offset : nullptr, elements_of<T>(heads), shape);
  });
  return heads;
}

void merge(const torch::Tensor& heads, torch::Tensor& tokens, std::int64_t part, const HeadShape& shape) {
  INCUBATE_RECORD_OP("merge_heads");
  with_element_of(heads.scalar_type(), [&](auto element) {
    using T = decltype(element);
    merge_heads(elements_of<T>(heads), elements_of<T>(tokens) + (part * shape.width()), tokens.size(2), shape);
  });
}

float scale_of(const HeadShape& shape) { return 1 / std::sqrt(static_cast<float>(shape.head_width)); }

/// Returns a gradient buffer for q, k and v. Entries of tokens that have no query stay 0.
torch::Tensor gradient_of_all(at::IntArrayRef sizes, std::int64_t num_queries, const at::TensorOptions& options) {
  return num_queries < sizes[1] ? torch::zeros(sizes, options) : torch::empty(sizes, options);
}

/// Returns the gradient of a bias that was added to all tokens.
torch::Tensor sum_tokens(const torch::Tensor& gradient) {
  INCUBATE_RECORD_OP("sum_tokens");
  torch::Tensor sums = torch::zeros({gradient.size(2)}, torch::kFloat32);
  with_element_of(gradient.scalar_type(), [&](auto element) {
    using T = decltype(element);
    add_rows(elements_of<T>(gradient), elements_of<float>(sums), gradient.size(0) * gradient.size(1), gradient.size(2));
  });
  return sums;
}

/// Turns scores into weights in place. A row of scores has one place for each row of the keys.
void weigh(torch::Tensor& scores, const HeadShape& shape, const HeadShape& padded) {
  INCUBATE_RECORD_OP("softmax");
  with_element_of(scores.scalar_type(), [&](auto element) {
    using T = decltype(element);
    softmax(elements_of<T>(scores), scale_of(shape), scores.size(0) * shape.tokens, padded.tokens, padded.rows);
  });
}

/// Turns the gradient of the weights into that of the scores, in place.
void weigh_backward(const torch::Tensor& weights, torch::Tensor& gradient, const HeadShape& shape,
                    const HeadShape& padded) {
  INCUBATE_RECORD_OP("softmax_backward");
  with_element_of(gradient.scalar_type(), [&](auto element) {
    using T = decltype(element);
    softmax_backward(elements_of<T>(weights), elements_of<T>(gradient), scale_of(shape),
                     gradient.size(0) * shape.tokens, padded.rows);
  });
}

class HeadAttention : public torch::autograd::Function<HeadAttention> {
 public:
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& qkv, const torch::Tensor& bias_input,
                               std::int64_t heads, std::int64_t num_queries) {
    const torch::Tensor bias = or_undefined(bias_input);
    const HeadShape shape = shape_of(qkv, num_queries, 3, heads);
    const HeadShape padded = keys_shape(shape);
    const torch::Tensor queries = split(qkv, bias, 0, shape);
    const torch::Tensor keys = split(qkv, bias, 1, padded);
    const torch::Tensor values = split(qkv, bias, 2, padded);
    torch::Tensor weights = at::bmm(queries, keys.transpose(1, 2));
    weigh(weights, shape, padded);
    context->save_for_backward({queries, keys, values, weights});
    context->saved_data["heads"] = heads;
    context->saved_data["tokens"] = qkv.size(1);
    torch::Tensor result = torch::empty({shape.samples, shape.tokens, shape.width()}, qkv.options());
    merge(at::bmm(weights, values), result, 0, shape_of(result, shape.tokens, 1, heads));
    return result;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    INCUBATE_RECORD_OP("attention_backward");
    const variable_list saved = context->get_saved_variables();
    const torch::Tensor& queries = saved[0];
    const torch::Tensor& keys = saved[1];
    const torch::Tensor& values = saved[2];
    const torch::Tensor& weights = saved[3];
    const std::int64_t heads = context->saved_data["heads"].toInt();
    const std::int64_t tokens = context->saved_data["tokens"].toInt();
    const std::int64_t num_queries = gradients[0].size(1);
    const torch::Tensor gradient =
        split(gradients[0].contiguous(), {}, 0, shape_of(gradients[0], num_queries, 1, heads));
    torch::Tensor result =
        gradient_of_all({gradients[0].size(0), tokens, 3 * gradients[0].size(2)}, num_queries, queries.options());
    const HeadShape shape = shape_of(result, num_queries, 3, heads);
    const HeadShape padded = keys_shape(shape);
    merge(at::bmm(weights.transpose(1, 2), gradient), result, 2, padded);
    torch::Tensor scores = at::bmm(gradient, values.transpose(1, 2));
    weigh_backward(weights, scores, shape, padded);
    merge(at::bmm(scores, keys), result, 0, shape);
    merge(at::bmm(scores.transpose(1, 2), queries), result, 1, padded);
    return {result, context->needs_input_grad(1) ? sum_tokens(result) : torch::Tensor(), {}, {}};
  }
};

/// Attention in bfloat16, for processors that multiply bfloat16.
class FusedAttention : public torch::autograd::Function<FusedAttention> {
 public:
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& qkv_input,
                               const torch::Tensor& bias_input, std::int64_t heads, std::int64_t num_queries) {
    const torch::Tensor qkv = qkv_input.contiguous();
    const torch::Tensor bias = or_undefined(bias_input);
    const AttentionShape shape = attention_shape(qkv, heads, num_queries);
    const torch::Tensor weights =
        torch::empty({shape.samples, heads, num_queries, shape.padded_tokens()}, qkv.options());
    const torch::Tensor result = torch::empty({shape.samples, num_queries, shape.width()}, qkv.options());
    const Bfloat16* input = elements_of<Bfloat16>(qkv);
    const float* added = elements_of<float>(bias);
    Bfloat16* weight = elements_of<Bfloat16>(weights);
    Bfloat16* output = elements_of<Bfloat16>(result);
    const PairProduct product = best_product();
    for_samples(shape, [&](std::int64_t sample, const AttentionShape& part) {
      fused_attention(input + (sample * part.qkv_size()), added, weight + (sample * part.weights_size()),
                      output + (sample * part.result_size()), part, product);
    });
    context->save_for_backward({qkv, bias, weights});
    return result;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    INCUBATE_RECORD_OP("attention_backward");
    const variable_list saved = context->get_saved_variables();
    const torch::Tensor& qkv = saved[0];
    const torch::Tensor& weights = saved[2];
    const AttentionShape shape = attention_shape(qkv, weights.size(1), weights.size(2));
    const torch::Tensor gradient = gradients[0].contiguous();
    const torch::Tensor result = gradient_of_all(qkv.sizes(), shape.queries, qkv.options());
    const Bfloat16* input = elements_of<Bfloat16>(qkv);
    const float* added = elements_of<float>(saved[1]);
    const Bfloat16* weight = elements_of<Bfloat16>(weights);
    const Bfloat16* output_gradient = elements_of<Bfloat16>(gradient);
    Bfloat16* input_gradient = elements_of<Bfloat16>(result);
    const PairProduct product = best_product();
    for_samples(shape, [&](std::int64_t sample, const AttentionShape& part) {
      fused_attention_backward(input + (sample * part.qkv_size()), added, weight + (sample * part.weights_size()),
                               output_gradient + (sample * part.result_size()),
                               input_gradient + (sample * part.qkv_size()), part, product);
    });
    return {result, context->needs_input_grad(1) ? sum_tokens(result) : torch::Tensor(), {}, {}};
  }

 private:
  /// Calls `function` with each thread's first sample and the shape of its part.
  template <typename Function>
  static void for_samples(const AttentionShape& shape, const Function& function) {
    at::parallel_for(0, shape.samples, 1, [&](std::int64_t begin, std::int64_t end) {
      AttentionShape part = shape;
      part.samples = end - begin;
      function(begin, part);
    });
  }
  static AttentionShape attention_shape(const torch::Tensor& qkv, std::int64_t heads, std::int64_t num_queries) {
    return {.samples = qkv.size(0),
            .tokens = qkv.size(1),
            .queries = num_queries,
            .heads = heads,
            .head_width = qkv.size(2) / 3 / heads};
  }
};

}  // namespace

torch::Tensor attention(const torch::Tensor& qkv, const torch::Tensor& bias, std::int64_t heads,
                        std::int64_t num_queries) {
  if (qkv.scalar_type() == torch::kBFloat16 && has_fused_attention(qkv.size(2) / 3 / heads)) {
    return FusedAttention::apply(qkv, or_empty(bias), heads, num_queries);
  }
  return HeadAttention::apply(qkv, or_empty(bias), heads, num_queries);
}

}  // namespace incubate::cpu
