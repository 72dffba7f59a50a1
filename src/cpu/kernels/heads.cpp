#include "cpu/kernels/heads.h"

#include <vector>

#include "cpu/kernels/versions.h"

namespace incubate::cpu {
namespace {

template <typename T>
INCUBATE_INLINE void split(const T* __restrict tokens, std::int64_t stride, const float* __restrict bias,
                           T* __restrict heads, const HeadShape& s) {
  for (std::int64_t sample = 0; sample < s.samples; ++sample) {
    for (std::int64_t head = 0; head < s.heads; ++head) {
      for (std::int64_t token = 0; token < s.tokens; ++token, heads += s.head_width) {
        const T* from = tokens + (((sample * s.all_tokens) + token) * stride) + (head * s.head_width);
        const float* added = bias + (head * s.head_width);
        for (std::int64_t i = 0; i < s.head_width; ++i) heads[i] = from_float<T>(to_float(from[i]) + added[i]);
      }
      for (std::int64_t i = 0; i < (s.rows - s.tokens) * s.head_width; ++i) *heads++ = T{};
    }
  }
}

INCUBATE_KERNEL(split_of,
                (const float* tokens, std::int64_t stride, const float* bias, float* heads, const HeadShape& shape),
                split, (tokens, stride, bias, heads, shape))
INCUBATE_KERNEL(split_of,
                (const Bfloat16* tokens, std::int64_t stride, const float* bias, Bfloat16* heads,
                 const HeadShape& shape),
                split, (tokens, stride, bias, heads, shape))

template <typename T>
void split_heads_of(const T* tokens, std::int64_t stride, const float* bias, T* heads, const HeadShape& shape) {
  const std::vector<float> zeros(bias == nullptr ? shape.width() : 0);
  split_of(tokens, stride, bias == nullptr ? zeros.data() : bias, heads, shape);
}

template <typename T>
INCUBATE_INLINE void merge(const T* __restrict heads, T* __restrict tokens, std::int64_t stride, const HeadShape& s) {
  for (std::int64_t sample = 0; sample < s.samples; ++sample) {
    for (std::int64_t head = 0; head < s.heads; ++head) {
      T* to = tokens + (sample * s.all_tokens * stride) + (head * s.head_width);
      for (std::int64_t token = 0; token < s.tokens; ++token, to += stride, heads += s.head_width) {
        for (std::int64_t i = 0; i < s.head_width; ++i) to[i] = heads[i];
      }
      heads += (s.rows - s.tokens) * s.head_width;
    }
  }
}

INCUBATE_KERNEL(merge_of, (const float* heads, float* tokens, std::int64_t stride, const HeadShape& shape), merge,
                (heads, tokens, stride, shape))
INCUBATE_KERNEL(merge_of, (const Bfloat16* heads, Bfloat16* tokens, std::int64_t stride, const HeadShape& shape), merge,
                (heads, tokens, stride, shape))

}  // namespace

void split_heads(const float* tokens, std::int64_t stride, const float* bias, float* heads, const HeadShape& shape) {
  split_heads_of(tokens, stride, bias, heads, shape);
}

void split_heads(const Bfloat16* tokens, std::int64_t stride, const float* bias, Bfloat16* heads,
                 const HeadShape& shape) {
  split_heads_of(tokens, stride, bias, heads, shape);
}

void merge_heads(const float* heads, float* tokens, std::int64_t stride, const HeadShape& shape) {
  merge_of(heads, tokens, stride, shape);
}

void merge_heads(const Bfloat16* heads, Bfloat16* tokens, std::int64_t stride, const HeadShape& shape) {
  merge_of(heads, tokens, stride, shape);
}

}  // namespace incubate::cpu
