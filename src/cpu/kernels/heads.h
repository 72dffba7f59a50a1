#pragma once

#include <cstdint>

#include "cpu/kernels/bfloat16.h"

namespace incubate::cpu {

// Convert between tokens (samples, all tokens, heads * head width), rows `stride` values apart, and heads (samples,
// heads, rows, head width), contiguous: a sample's first `tokens` tokens, then rows of 0. T is float or Bfloat16.

struct HeadShape {
  std::int64_t samples = 0;
  std::int64_t all_tokens = 0;  ///< in each sample
  std::int64_t tokens = 0;      ///< tokens that become rows
  std::int64_t rows = 0;        ///< of each head: `tokens` or more
  std::int64_t heads = 0;
  std::int64_t head_width = 0;

  std::int64_t width() const { return heads * head_width; }
};

/// Sets heads = tokens + bias. `bias` (heads * head width) may be null.
void split_heads(const float* tokens, std::int64_t stride, const float* bias, float* heads, const HeadShape& shape);
void split_heads(const Bfloat16* tokens, std::int64_t stride, const float* bias, Bfloat16* heads,
                 const HeadShape& shape);

/// Sets tokens = heads. Tokens after the first `tokens` stay unchanged.
void merge_heads(const float* heads, float* tokens, std::int64_t stride, const HeadShape& shape);
void merge_heads(const Bfloat16* heads, Bfloat16* tokens, std::int64_t stride, const HeadShape& shape);

}  // namespace incubate::cpu
