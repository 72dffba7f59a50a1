#include "kernels/fused_attention.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <vector>

#include "kernels/versions.h"

#if defined(__x86_64__) && !defined(__clang__)

#include <immintrin.h>

#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // of GCC's own header (GCC bug 105593)

namespace incubate {

bool has_fused_attention(std::int64_t head_width) {
  static const bool has_instructions = vector_unit() == VectorUnit::avx512 && __builtin_cpu_supports("avx512bf16") != 0;
  return has_instructions && head_width % 16 == 0;
}

namespace {

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,fma,prefer-vector-width=512")

// Two neighbours in one word: the first is the lower half.
using Pair = std::uint32_t;

constexpr std::int64_t kLanes = 16;

/// Rows of a head, or their gradients, as they lie in memory between those of others.
struct Strided {
  const Bfloat16* first;
  std::int64_t stride;
  const float* bias;  // null: none
};

INCUBATE_INLINE __m512 load_floats(const Bfloat16* from) {
  const __m256i halves = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}

/// Rounds to the nearest, to even where two are; what is smaller than the normal numbers becomes 0.
INCUBATE_INLINE void store_rounded(const __m512& values, Bfloat16* to) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(values)));
}

/// rows (count, width) = source + bias.
void gather_rows(const Strided& source, std::int64_t count, std::int64_t width, Bfloat16* rows) {
  for (std::int64_t row = 0; row < count; ++row, rows += width) {
    const Bfloat16* from = source.first + (row * source.stride);
    for (std::int64_t i = 0; i < width; i += kLanes) {
      if (source.bias == nullptr) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(rows + i),
                            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + i)));
      } else {
        store_rounded(_mm512_add_ps(load_floats(from + i), _mm512_loadu_ps(source.bias + i)), rows + i);
      }
    }
  }
}

/// pairs (width / 2, stride) of rows (count, width): neighbours within a row, for sums over the width. Behind the rows
/// there are zeros.
void pair_columns(const Bfloat16* rows, std::int64_t count, std::int64_t width, std::int64_t stride, Pair* pairs) {
  const std::int64_t num_pairs = width / 2;
  for (std::int64_t row = 0; row < stride; ++row) {
    for (std::int64_t p = 0; p < num_pairs; ++p) {
      Pair pair = 0;
      if (row < count) __builtin_memcpy(&pair, rows + (row * width) + (2 * p), sizeof(pair));
      pairs[(p * stride) + row] = pair;
    }
  }
}

/// pairs (ceil(count / 2), width) of rows (count, width): neighbours within a column, for sums over the rows.
void pair_rows(const Bfloat16* rows, std::int64_t count, std::int64_t width, Pair* pairs) {
  for (std::int64_t row = 0; row < count; row += 2, pairs += width) {
    for (std::int64_t i = 0; i < width; i += kLanes) {
      const auto load = [&](std::int64_t r) {
        return _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(rows + (r * width) + i)));
      };
      __m512i words = load(row);
      if (row + 1 < count) words = _mm512_or_si512(words, _mm512_slli_epi32(load(row + 1), 16));
      _mm512_storeu_si512(pairs + i, words);
    }
  }
}

/// The left factor of a product. Strides are in pairs.
struct LeftFactor {
  const std::byte* first;
  std::int64_t row_stride;
  std::int64_t pair_stride;

  LeftFactor from_row(std::int64_t row) const { return {place(row, 0), row_stride, pair_stride}; }
  Pair pair(std::int64_t row, std::int64_t p) const {
    Pair pair;
    __builtin_memcpy(&pair, place(row, p), sizeof(pair));
    return pair;
  }

 private:
  const std::byte* place(std::int64_t row, std::int64_t p) const {
    return first + (sizeof(Pair) * ((row * row_stride) + (p * pair_stride)));
  }
};

/// Rows that follow each other, of `width` values.
LeftFactor left_factor(const Bfloat16* rows, std::int64_t width) {
  return {reinterpret_cast<const std::byte*>(rows), width / 2, 1};
}

/// The columns of what pair_rows() made, as rows.
LeftFactor transposed(const Pair* pairs, std::int64_t width) {
  return {reinterpret_cast<const std::byte*>(pairs), 1, width};
}

/// c (kRows, kVectors * 16) = a b: sums over `num_pairs` pairs. `b` has `stride` words a pair, `c` floats a row.
template <int kRows, int kVectors>
INCUBATE_INLINE void multiply_tile(const LeftFactor& a, const Pair* b, std::int64_t stride, std::int64_t num_pairs,
                                   float* c) {
  __m512 sums[kRows][kVectors];
  for (auto& row : sums) {
    for (__m512& sum : row) sum = _mm512_setzero_ps();
  }
  for (std::int64_t p = 0; p < num_pairs; ++p) {
    __m512bh right[kVectors];
    for (int v = 0; v < kVectors; ++v) {
      right[v] = reinterpret_cast<__m512bh>(_mm512_loadu_si512(b + (p * stride) + (v * kLanes)));
    }
    for (int row = 0; row < kRows; ++row) {
      const auto left = reinterpret_cast<__m512bh>(_mm512_set1_epi32(static_cast<int>(a.pair(row, p))));
      for (int v = 0; v < kVectors; ++v) sums[row][v] = _mm512_dpbf16_ps(sums[row][v], left, right[v]);
    }
  }
  for (int row = 0; row < kRows; ++row) {
    for (int v = 0; v < kVectors; ++v) _mm512_storeu_ps(c + (row * stride) + (v * kLanes), sums[row][v]);
  }
}

/// From `row` on, kRows at once while there are so many, then fewer.
template <int kRows, int kVectors>
INCUBATE_INLINE void multiply_rows(const LeftFactor& a, std::int64_t row, std::int64_t rows, const Pair* b,
                                   std::int64_t stride, std::int64_t num_pairs, float* c) {
  for (; row + kRows <= rows; row += kRows) {
    multiply_tile<kRows, kVectors>(a.from_row(row), b, stride, num_pairs, c + (row * stride));
  }
  if constexpr (kRows > 1) multiply_rows<kRows / 2, kVectors>(a, row, rows, b, stride, num_pairs, c);
}

/// As many rows at once as registers hold the sums of.
template <int kVectors>
INCUBATE_INLINE void multiply_columns(const LeftFactor& a, std::int64_t rows, const Pair* b, std::int64_t stride,
                                      std::int64_t num_pairs, float* c) {
  multiply_rows<kVectors == 1 ? 12 : 24 / kVectors, kVectors>(a, 0, rows, b, stride, num_pairs, c);
}

/// c (rows, stride) = a b.
void multiply(const LeftFactor& a, std::int64_t rows, const Pair* b, std::int64_t stride, std::int64_t num_pairs,
              float* c) {
  std::int64_t i = 0;
  for (; i + (4 * kLanes) <= stride; i += 4 * kLanes) multiply_columns<4>(a, rows, b + i, stride, num_pairs, c + i);
  switch ((stride - i) / kLanes) {
    case 3:
      return multiply_columns<3>(a, rows, b + i, stride, num_pairs, c + i);
    case 2:
      return multiply_columns<2>(a, rows, b + i, stride, num_pairs, c + i);
    case 1:
      return multiply_columns<1>(a, rows, b + i, stride, num_pairs, c + i);
    default:
      return;
  }
}

/// As vector_exp().
INCUBATE_INLINE __m512 exponential(const __m512& x) {
  const __m512 power = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504F)), _MM_FROUND_TO_NEAREST_INT);
  __m512 r = _mm512_fnmadd_ps(power, _mm512_set1_ps(0.693145752F), x);
  r = _mm512_fnmadd_ps(power, _mm512_set1_ps(1.42860677e-6F), r);
  __m512 series = _mm512_set1_ps(1.0F / 720);
  for (const float coefficient : {1.0F / 120, 1.0F / 24, 1.0F / 6, 0.5F, 1.0F, 1.0F}) {
    series = _mm512_fmadd_ps(series, r, _mm512_set1_ps(coefficient));
  }
  return _mm512_scalef_ps(series, power);
}

/// weights = softmax(scale * scores) of one row; behind `tokens` there are zeros. Overwrites `scores`.
INCUBATE_INLINE void softmax_row(float* scores, float scale, std::int64_t tokens, std::int64_t stride,
                                 Bfloat16* weights) {
  const std::int64_t last = stride - kLanes;
  const auto in_row = static_cast<__mmask16>((1U << static_cast<unsigned>(tokens - last)) - 1U);
  __m512 largest = _mm512_mask_loadu_ps(_mm512_set1_ps(-INFINITY), in_row, scores + last);
  for (std::int64_t i = 0; i < last; i += kLanes) largest = _mm512_max_ps(_mm512_loadu_ps(scores + i), largest);
  const __m512 shift = _mm512_set1_ps(_mm512_reduce_max_ps(largest));
  const __m512 factor = _mm512_set1_ps(scale);
  __m512 sum = _mm512_setzero_ps();
  for (std::int64_t i = 0; i <= last; i += kLanes) {
    __m512 x = exponential(_mm512_mul_ps(factor, _mm512_sub_ps(_mm512_loadu_ps(scores + i), shift)));
    if (i == last) x = _mm512_maskz_mov_ps(in_row, x);
    sum = _mm512_add_ps(sum, x);
    _mm512_storeu_ps(scores + i, x);
  }
  const __m512 inverse = _mm512_set1_ps(1 / _mm512_reduce_add_ps(sum));
  for (std::int64_t i = 0; i < stride; i += kLanes) {
    store_rounded(_mm512_mul_ps(_mm512_loadu_ps(scores + i), inverse), weights + i);
  }
}

/// From the gradient of the weights that of the scores: scale * p * (gradient - sum(p * gradient)).
INCUBATE_INLINE void softmax_row_backward(const Bfloat16* weights, const float* gradient, float scale,
                                          std::int64_t stride, Bfloat16* result) {
  __m512 sums = _mm512_setzero_ps();
  for (std::int64_t i = 0; i < stride; i += kLanes) {
    sums = _mm512_fmadd_ps(load_floats(weights + i), _mm512_loadu_ps(gradient + i), sums);
  }
  const __m512 sum = _mm512_set1_ps(_mm512_reduce_add_ps(sums));
  const __m512 factor = _mm512_set1_ps(scale);
  for (std::int64_t i = 0; i < stride; i += kLanes) {
    const __m512 p = _mm512_mul_ps(factor, load_floats(weights + i));
    store_rounded(_mm512_mul_ps(p, _mm512_sub_ps(_mm512_loadu_ps(gradient + i), sum)), result + i);
  }
}

void store_rows(const float* rows, std::int64_t count, std::int64_t width, Bfloat16* to, std::int64_t stride) {
  for (std::int64_t row = 0; row < count; ++row, rows += width, to += stride) {
    for (std::int64_t i = 0; i < width; i += kLanes) store_rounded(_mm512_loadu_ps(rows + i), to + i);
  }
}

/// So many queries at once that their scores stay in the first cache.
constexpr std::int64_t kQueriesAtOnce = 12;

/// What one head needs beside its inputs and outputs.
struct Workspace {
  explicit Workspace(const AttentionShape& s)
      : stride(s.padded_tokens()),
        queries(s.queries * s.head_width),
        keys(s.tokens * s.head_width),
        values(s.tokens * s.head_width),
        gradients(s.queries * s.head_width),
        score_gradients(s.queries * stride),
        by_columns(s.head_width / 2 * stride),
        by_rows((stride / 2) * s.head_width),
        transposed_left((s.queries + 1) / 2 * stride),
        transposed_right((s.queries + 1) / 2 * s.head_width),
        scores(kQueriesAtOnce * stride),
        sums(std::max(kQueriesAtOnce, s.tokens) * s.head_width) {}

  std::int64_t stride;
  std::vector<Bfloat16> queries, keys, values, gradients, score_gradients;
  std::vector<Pair> by_columns, by_rows, transposed_left, transposed_right;
  std::vector<float> scores, sums;
};

/// Part 0, 1 or 2, queries, keys or values, of a head.
Strided part_of(const Bfloat16* qkv, const float* bias, const AttentionShape& s, std::int64_t sample, std::int64_t head,
                std::int64_t part) {
  const std::int64_t offset = (part * s.width()) + (head * s.head_width);
  return {qkv + (sample * s.tokens * 3 * s.width()) + offset, 3 * s.width(), bias == nullptr ? nullptr : bias + offset};
}

template <typename Call>
void for_blocks_of_queries(const AttentionShape& s, const Call& call) {
  for (std::int64_t first = 0; first < s.queries; first += kQueriesAtOnce) {
    call(first, std::min(kQueriesAtOnce, s.queries - first));
  }
}

void forward_head(const Strided& queries, const Strided& keys, const Strided& values, Bfloat16* weights,
                  Bfloat16* result, const AttentionShape& s, float scale, Workspace& w) {
  gather_rows(queries, s.queries, s.head_width, w.queries.data());
  gather_rows(keys, s.tokens, s.head_width, w.keys.data());
  gather_rows(values, s.tokens, s.head_width, w.values.data());
  pair_columns(w.keys.data(), s.tokens, s.head_width, w.stride, w.by_columns.data());
  pair_rows(w.values.data(), s.tokens, s.head_width, w.by_rows.data());
  for_blocks_of_queries(s, [&](std::int64_t first, std::int64_t count) {
    const Bfloat16* block = w.queries.data() + (first * s.head_width);
    Bfloat16* block_weights = weights + (first * w.stride);
    multiply(left_factor(block, s.head_width), count, w.by_columns.data(), w.stride, s.head_width / 2, w.scores.data());
    for (std::int64_t row = 0; row < count; ++row) {
      softmax_row(w.scores.data() + (row * w.stride), scale, s.tokens, w.stride, block_weights + (row * w.stride));
    }
    multiply(left_factor(block_weights, w.stride), count, w.by_rows.data(), s.head_width, (s.tokens + 1) / 2,
             w.sums.data());
    store_rows(w.sums.data(), count, s.head_width, result + (first * s.width()), s.width());
  });
}

/// Of a gradient of queries, keys or values.
Bfloat16* place_of(Bfloat16* qkv_gradient, const AttentionShape& s, std::int64_t sample, std::int64_t head,
                   std::int64_t part) {
  return qkv_gradient + (sample * s.tokens * 3 * s.width()) + (part * s.width()) + (head * s.head_width);
}

struct HeadGradients {
  Bfloat16 *queries, *keys, *values;
};

void backward_head(const Strided& queries, const Strided& keys, const Strided& values, const Bfloat16* weights,
                   const Strided& gradient, const HeadGradients& result, const AttentionShape& s, float scale,
                   Workspace& w) {
  const std::int64_t num_pairs = (s.queries + 1) / 2;
  gather_rows(queries, s.queries, s.head_width, w.queries.data());
  gather_rows(keys, s.tokens, s.head_width, w.keys.data());
  gather_rows(values, s.tokens, s.head_width, w.values.data());
  gather_rows(gradient, s.queries, s.head_width, w.gradients.data());
  pair_columns(w.values.data(), s.tokens, s.head_width, w.stride, w.by_columns.data());
  pair_rows(w.keys.data(), s.tokens, s.head_width, w.by_rows.data());
  for_blocks_of_queries(s, [&](std::int64_t first, std::int64_t count) {
    const Bfloat16* block = w.gradients.data() + (first * s.head_width);
    Bfloat16* block_scores = w.score_gradients.data() + (first * w.stride);
    multiply(left_factor(block, s.head_width), count, w.by_columns.data(), w.stride, s.head_width / 2, w.scores.data());
    for (std::int64_t row = 0; row < count; ++row) {
      softmax_row_backward(weights + ((first + row) * w.stride), w.scores.data() + (row * w.stride), scale, w.stride,
                           block_scores + (row * w.stride));
    }
    multiply(left_factor(block_scores, w.stride), count, w.by_rows.data(), s.head_width, (s.tokens + 1) / 2,
             w.sums.data());
    store_rows(w.sums.data(), count, s.head_width, result.queries + (first * 3 * s.width()), 3 * s.width());
  });
  const auto multiply_transposed = [&](const Bfloat16* left, const Bfloat16* right, Bfloat16* to) {
    pair_rows(left, s.queries, w.stride, w.transposed_left.data());
    pair_rows(right, s.queries, s.head_width, w.transposed_right.data());
    multiply(transposed(w.transposed_left.data(), w.stride), s.tokens, w.transposed_right.data(), s.head_width,
             num_pairs, w.sums.data());
    store_rows(w.sums.data(), s.tokens, s.head_width, to, 3 * s.width());
  };
  multiply_transposed(w.score_gradients.data(), w.queries.data(), result.keys);
  multiply_transposed(weights, w.gradients.data(), result.values);
}

#pragma GCC pop_options

float scale_of(const AttentionShape& shape) { return 1 / std::sqrt(static_cast<float>(shape.head_width)); }

}  // namespace

void fused_attention(const Bfloat16* qkv, const float* bias, Bfloat16* weights, Bfloat16* result,
                     const AttentionShape& s) {
  Workspace workspace(s);
  for (std::int64_t sample = 0; sample < s.samples; ++sample) {
    for (std::int64_t head = 0; head < s.heads; ++head) {
      const auto part = [&](std::int64_t i) { return part_of(qkv, bias, s, sample, head, i); };
      forward_head(part(0), part(1), part(2), weights + (((sample * s.heads) + head) * s.queries * s.padded_tokens()),
                   result + (sample * s.queries * s.width()) + (head * s.head_width), s, scale_of(s), workspace);
    }
  }
}

void fused_attention_backward(const Bfloat16* qkv, const float* bias, const Bfloat16* weights, const Bfloat16* gradient,
                              Bfloat16* qkv_gradient, const AttentionShape& s) {
  Workspace workspace(s);
  for (std::int64_t sample = 0; sample < s.samples; ++sample) {
    for (std::int64_t head = 0; head < s.heads; ++head) {
      const auto part = [&](std::int64_t i) { return part_of(qkv, bias, s, sample, head, i); };
      const auto place = [&](std::int64_t i) { return place_of(qkv_gradient, s, sample, head, i); };
      const Strided head_gradient = {gradient + (sample * s.queries * s.width()) + (head * s.head_width), s.width(),
                                     nullptr};
      backward_head(part(0), part(1), part(2), weights + (((sample * s.heads) + head) * s.queries * s.padded_tokens()),
                    head_gradient, {place(0), place(1), place(2)}, s, scale_of(s), workspace);
    }
  }
}

}  // namespace incubate

#else

namespace incubate {

bool has_fused_attention(std::int64_t /*head_width*/) { return false; }

void fused_attention(const Bfloat16*, const float*, Bfloat16*, Bfloat16*, const AttentionShape&) { std::abort(); }

void fused_attention_backward(const Bfloat16*, const float*, const Bfloat16*, const Bfloat16*, Bfloat16*,
                              const AttentionShape&) {
  std::abort();
}

}  // namespace incubate

#endif
