#include "cpu/kernels/fused_attention.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "cpu/kernels/packing.h"
#include "cpu/kernels/pairs.h"

#if defined(__x86_64__) && !defined(__clang__)

namespace incubate::cpu {

bool has_fused_attention(std::int64_t head_width) { return has_vector_product() && head_width % kLanes == 0; }

namespace {

INCUBATE_BEGIN_PAIRS

/// Returns e^x as vector_exp() does.
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

/// Sets weights = softmax(scale * scores) for one row, and 0 behind the `tokens` values. Overwrites `scores`.
INCUBATE_INLINE void softmax_row(float* scores, float scale, std::int64_t tokens, std::int64_t stride,
                                 Bfloat16* weights) {
  const std::int64_t last = stride - kLanes;
  const __mmask16 in_row = first_lanes(tokens - last);
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

/// Sets result = scale * p * (gradient - sum(p * gradient)), the gradient of the scores, from that of the weights p.
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

std::int64_t whole_vectors(std::int64_t words) { return (words + kLanes - 1) / kLanes * kLanes; }

/// Buffers for one head.
struct Workspace {
  Workspace(const AttentionShape& s, std::int64_t rows_at_once)
      : stride(s.padded_tokens()),
        query_stride(2 * whole_vectors((s.queries + 1) / 2)),
        queries(s.queries * s.head_width),
        keys(s.tokens * s.head_width),
        values(s.tokens * s.head_width),
        gradients(s.queries * s.head_width),
        score_gradients(s.queries * stride),
        transposed_queries(s.head_width * query_stride),
        by_columns(s.head_width / 2 * stride),
        by_rows(stride / 2 * s.head_width),
        pairs_of_queries((s.queries + 1) / 2 * stride),
        sums(std::max(rows_at_once, s.head_width) * std::max(stride, s.head_width)),
        transposed_sums(stride * s.head_width) {}

  std::int64_t stride;        // of arrays with a value for each token
  std::int64_t query_stride;  // of arrays with a value for each query
  std::vector<Bfloat16> queries, keys, values, gradients, score_gradients, transposed_queries;
  std::vector<Pair> by_columns, by_rows, pairs_of_queries;
  std::vector<float> sums, transposed_sums;
};

struct Head {
  Strided queries, keys, values;
};

void gather(const Head& head, const AttentionShape& s, Workspace& w) {
  gather_rows(head.queries, s.queries, s.head_width, w.queries.data());
  gather_rows(head.keys, s.tokens, s.head_width, w.keys.data());
  gather_rows(head.values, s.tokens, s.head_width, w.values.data());
}

/// Returns part `part` of a head: 0 queries, 1 keys, 2 values.
Strided part_of(const Bfloat16* qkv, const float* bias, const AttentionShape& s, std::int64_t sample, std::int64_t head,
                std::int64_t part) {
  const std::int64_t offset = (part * s.width()) + (head * s.head_width);
  return {qkv + (sample * s.tokens * 3 * s.width()) + offset, 3 * s.width(), bias == nullptr ? nullptr : bias + offset};
}

/// Pairs neighbours within rows (tokens, head width), for sums over the width: (head width / 2, stride).
void pair_columns(const std::vector<Bfloat16>& rows, const AttentionShape& s, Workspace& w) {
  const std::int64_t num_pairs = s.head_width / 2;
  transpose_words(reinterpret_cast<const Pair*>(rows.data()), num_pairs, s.tokens, num_pairs, w.by_columns.data(),
                  w.stride);
}

template <typename Call>
void for_blocks_of_queries(const AttentionShape& s, std::int64_t rows_at_once, const Call& call) {
  for (std::int64_t first = 0; first < s.queries; first += rows_at_once) {
    call(first, std::min(rows_at_once, s.queries - first));
  }
}

void forward_head(const Head& head, Bfloat16* weights, Bfloat16* result, const AttentionShape& s, float scale,
                  const PairProduct& product, Workspace& w) {
  gather(head, s, w);
  pair_columns(w.keys, s, w);
  pair_rows(w.values.data(), s.tokens, s.head_width, w.by_rows.data());
  for_blocks_of_queries(s, product.rows_at_once, [&](std::int64_t first, std::int64_t count) {
    Bfloat16* block_weights = weights + (first * w.stride);
    product.multiply(w.queries.data() + (first * s.head_width), s.head_width, count, w.by_columns.data(), w.stride,
                     s.head_width / 2, w.sums.data());
    for (std::int64_t row = 0; row < count; ++row) {
      softmax_row(w.sums.data() + (row * w.stride), scale, s.tokens, w.stride, block_weights + (row * w.stride));
    }
    product.multiply(block_weights, w.stride, count, w.by_rows.data(), s.head_width, (s.tokens + 1) / 2, w.sums.data());
    store_rows(w.sums.data(), count, s.head_width, result + (first * s.width()), s.width());
  });
}

/// Returns the place of a head's gradient of queries, keys or values.
Bfloat16* place_of(Bfloat16* qkv_gradient, const AttentionShape& s, std::int64_t sample, std::int64_t head,
                   std::int64_t part) {
  return qkv_gradient + (sample * s.tokens * 3 * s.width()) + (part * s.width()) + (head * s.head_width);
}

struct HeadGradients {
  Bfloat16 *queries, *keys, *values;
};

/// Sets to = left^T right, where left is (queries, stride) and right (queries, head width); a row of `to` is a token.
/// Computes right^T left, because `right` is narrower: less has to be transposed.
void multiply_transposed(const Bfloat16* left, const std::vector<Bfloat16>& right, const AttentionShape& s,
                         const PairProduct& product, Workspace& w, Bfloat16* to) {
  const std::int64_t num_pairs = (s.queries + 1) / 2;
  transpose(right.data(), s.head_width, s.queries, s.head_width, w.transposed_queries.data(), w.query_stride);
  pair_rows(left, s.queries, w.stride, w.pairs_of_queries.data());
  product.multiply(w.transposed_queries.data(), w.query_stride, s.head_width, w.pairs_of_queries.data(), w.stride,
                   num_pairs, w.sums.data());
  transpose_words(reinterpret_cast<const std::uint32_t*>(w.sums.data()), w.stride, s.head_width, w.stride,
                  reinterpret_cast<std::uint32_t*>(w.transposed_sums.data()), s.head_width);
  store_rows(w.transposed_sums.data(), s.tokens, s.head_width, to, 3 * s.width());
}

void backward_head(const Head& head, const Bfloat16* weights, const Strided& gradient, const HeadGradients& result,
                   const AttentionShape& s, float scale, const PairProduct& product, Workspace& w) {
  gather(head, s, w);
  gather_rows(gradient, s.queries, s.head_width, w.gradients.data());
  pair_columns(w.values, s, w);
  pair_rows(w.keys.data(), s.tokens, s.head_width, w.by_rows.data());
  for_blocks_of_queries(s, product.rows_at_once, [&](std::int64_t first, std::int64_t count) {
    Bfloat16* block_scores = w.score_gradients.data() + (first * w.stride);
    product.multiply(w.gradients.data() + (first * s.head_width), s.head_width, count, w.by_columns.data(), w.stride,
                     s.head_width / 2, w.sums.data());
    for (std::int64_t row = 0; row < count; ++row) {
      softmax_row_backward(weights + ((first + row) * w.stride), w.sums.data() + (row * w.stride), scale, w.stride,
                           block_scores + (row * w.stride));
    }
    product.multiply(block_scores, w.stride, count, w.by_rows.data(), s.head_width, (s.tokens + 1) / 2, w.sums.data());
    store_rows(w.sums.data(), count, s.head_width, result.queries + (first * 3 * s.width()), 3 * s.width());
  });
  multiply_transposed(w.score_gradients.data(), w.queries, s, product, w, result.keys);
  multiply_transposed(weights, w.gradients, s, product, w, result.values);
}

INCUBATE_END_PAIRS

float scale_of(const AttentionShape& shape) { return 1 / std::sqrt(static_cast<float>(shape.head_width)); }

}  // namespace

void fused_attention(const Bfloat16* qkv, const float* bias, Bfloat16* weights, Bfloat16* result,
                     const AttentionShape& s, const PairProduct& product) {
  Workspace workspace(s, product.rows_at_once);
  for (std::int64_t sample = 0; sample < s.samples; ++sample) {
    for (std::int64_t head = 0; head < s.heads; ++head) {
      const auto part = [&](std::int64_t i) { return part_of(qkv, bias, s, sample, head, i); };
      forward_head({part(0), part(1), part(2)}, weights + (((sample * s.heads) + head) * s.queries * s.padded_tokens()),
                   result + (sample * s.queries * s.width()) + (head * s.head_width), s, scale_of(s), product,
                   workspace);
    }
  }
  product.finish();
}

void fused_attention_backward(const Bfloat16* qkv, const float* bias, const Bfloat16* weights, const Bfloat16* gradient,
                              Bfloat16* qkv_gradient, const AttentionShape& s, const PairProduct& product) {
  Workspace workspace(s, product.rows_at_once);
  for (std::int64_t sample = 0; sample < s.samples; ++sample) {
    for (std::int64_t head = 0; head < s.heads; ++head) {
      const auto part = [&](std::int64_t i) { return part_of(qkv, bias, s, sample, head, i); };
      const auto place = [&](std::int64_t i) { return place_of(qkv_gradient, s, sample, head, i); };
      const Strided head_gradient = {gradient + (sample * s.queries * s.width()) + (head * s.head_width), s.width(),
                                     nullptr};
      backward_head({part(0), part(1), part(2)},
                    weights + (((sample * s.heads) + head) * s.queries * s.padded_tokens()), head_gradient,
                    {place(0), place(1), place(2)}, s, scale_of(s), product, workspace);
    }
  }
  product.finish();
}

}  // namespace incubate::cpu

#else

namespace incubate::cpu {

bool has_fused_attention(std::int64_t /*head_width*/) { return false; }

void fused_attention(const Bfloat16*, const float*, Bfloat16*, Bfloat16*, const AttentionShape&, const PairProduct&) {
  std::abort();
}

void fused_attention_backward(const Bfloat16*, const float*, const Bfloat16*, const Bfloat16*, Bfloat16*,
                              const AttentionShape&, const PairProduct&) {
  std::abort();
}

}  // namespace incubate::cpu

#endif
