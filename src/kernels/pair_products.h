#pragma once

// Products of matrices in bfloat16 by AVX512-BF16, which multiplies pairs of neighbours and adds both products to a
// float: rows of a head become pairs, and pairs are multiplied.

#if defined(__x86_64__) && !defined(__clang__)

#include <cstddef>
#include <cstdint>

#include <immintrin.h>

#include "kernels/bfloat16.h"

#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // of GCC's own header (GCC bug 105593)

// Functions between these two are compiled for such a processor.
#define INCUBATE_BEGIN_PAIR_PRODUCTS \
  _Pragma("GCC push_options")        \
      _Pragma("GCC target(\"avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,fma,prefer-vector-width=512\")")
#define INCUBATE_END_PAIR_PRODUCTS _Pragma("GCC pop_options")

namespace incubate {

INCUBATE_BEGIN_PAIR_PRODUCTS

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
inline void gather_rows(const Strided& source, std::int64_t count, std::int64_t width, Bfloat16* rows) {
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
inline void pair_columns(const Bfloat16* rows, std::int64_t count, std::int64_t width, std::int64_t stride,
                         Pair* pairs) {
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
inline void pair_rows(const Bfloat16* rows, std::int64_t count, std::int64_t width, Pair* pairs) {
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
inline LeftFactor left_factor(const Bfloat16* rows, std::int64_t width) {
  return {reinterpret_cast<const std::byte*>(rows), width / 2, 1};
}

/// The columns of what pair_rows() made, as rows.
inline LeftFactor transposed(const Pair* pairs, std::int64_t width) {
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
inline void multiply(const LeftFactor& a, std::int64_t rows, const Pair* b, std::int64_t stride, std::int64_t num_pairs,
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

INCUBATE_END_PAIR_PRODUCTS

}  // namespace incubate

#endif
