#pragma once

#include <cstdint>

#include "cpu/kernels/bfloat16.h"
#include "cpu/kernels/pair_product.h"

namespace incubate::cpu {

// Attention of all heads in bfloat16 for processors with AVX512-BF16. Computes one head of one sample at a time, so
// intermediate results stay in the cache. `product` multiplies.

struct AttentionShape {
  std::int64_t samples = 0;
  std::int64_t tokens = 0;
  std::int64_t queries = 0;  ///< the first tokens have queries
  std::int64_t heads = 0;
  std::int64_t head_width = 0;

  std::int64_t width() const { return heads * head_width; }
  /// Returns the length of a row of weights in memory: whole vectors.
  std::int64_t padded_tokens() const { return (tokens + 15) / 16 * 16; }
  /// Sizes of a sample, in values.
  std::int64_t qkv_size() const { return tokens * 3 * width(); }
  std::int64_t weights_size() const { return heads * queries * padded_tokens(); }
  std::int64_t result_size() const { return queries * width(); }
};

/// True if the processor has AVX512-BF16 and heads of this width are whole vectors.
bool has_fused_attention(std::int64_t head_width);

/// Writes the softmax to `weights` (samples, heads, queries, padded tokens) and the weighted values to `result`
/// (samples, queries, width). `qkv` (samples, tokens, 3 * width) holds queries, keys and values. `bias` (3 * width, or
/// null) is added to them. REQUIRES: has_fused_attention().
void fused_attention(const Bfloat16* qkv, const float* bias, Bfloat16* weights, Bfloat16* result,
                     const AttentionShape& shape, const PairProduct& product);

/// Writes the gradient of `qkv` from that of the result. Query gradients of tokens without a query stay unchanged.
void fused_attention_backward(const Bfloat16* qkv, const float* bias, const Bfloat16* weights, const Bfloat16* gradient,
                              Bfloat16* qkv_gradient, const AttentionShape& shape, const PairProduct& product);

}  // namespace incubate::cpu
