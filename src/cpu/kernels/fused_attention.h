#pragma once

#include <cstdint>

#include "cpu/kernels/bfloat16.h"
#include "cpu/kernels/pair_product.h"

namespace incubate::cpu {

// Attention of all heads in bfloat16, one head of one sample after the other, so that what is between its products
// stays in the cache: for processors with AVX512-BF16. `product` says who multiplies.

struct AttentionShape {
  std::int64_t samples = 0;
  std::int64_t tokens = 0;
  std::int64_t queries = 0;  ///< of the first tokens
  std::int64_t heads = 0;
  std::int64_t head_width = 0;

  std::int64_t width() const { return heads * head_width; }
  /// Of a query's weights as they lie in memory: whole vectors.
  std::int64_t padded_tokens() const { return (tokens + 15) / 16 * 16; }
  /// Of a sample, in values.
  std::int64_t qkv_size() const { return tokens * 3 * width(); }
  std::int64_t weights_size() const { return heads * queries * padded_tokens(); }
  std::int64_t result_size() const { return queries * width(); }
};

/// Whether the processor can, and heads of this width are whole vectors.
bool has_fused_attention(std::int64_t head_width);

/// `qkv` (samples, tokens, 3 * width) holds queries, keys and values, to which `bias` (3 * width, or null) is to be
/// added; `weights` (samples, heads, queries, padded tokens) gets the softmax, `result` (samples, queries, width) the
/// values so weighted. REQUIRES: has_fused_attention().
void fused_attention(const Bfloat16* qkv, const float* bias, Bfloat16* weights, Bfloat16* result,
                     const AttentionShape& shape, const PairProduct& product);

/// From the gradient of the result that of `qkv`; of tokens without a query that part stays as it is.
void fused_attention_backward(const Bfloat16* qkv, const float* bias, const Bfloat16* weights, const Bfloat16* gradient,
                              Bfloat16* qkv_gradient, const AttentionShape& shape, const PairProduct& product);

}  // namespace incubate::cpu
