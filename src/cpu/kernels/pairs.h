#pragma once

// Factors of bfloat16 products on processors with AVX-512: a word holds two neighbours along the sum, and one
// instruction multiplies and adds both.

#if defined(__x86_64__) && !defined(__clang__)

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <immintrin.h>

#include "cpu/kernels/pair_product.h"

#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // for GCC's own header (GCC bug 105593)

// Functions between these two macros are compiled for AVX512-BF16.
#define INCUBATE_BEGIN_PAIRS  \
  _Pragma("GCC push_options") \
      _Pragma("GCC target(\"avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,fma,prefer-vector-width=512\")")
#define INCUBATE_END_PAIRS _Pragma("GCC pop_options")

namespace incubate::cpu {

INCUBATE_BEGIN_PAIRS

constexpr std::int64_t kLanes = 16;

/// Rows of one head, or of their gradients, between those of other heads.
struct Strided {
  const Bfloat16* first;
  std::int64_t stride;
  const float* bias;  // null: none
};

/// Returns the mask of the first `count` of a vector's 16 lanes.
INCUBATE_INLINE __mmask16 first_lanes(std::int64_t count) {
  return static_cast<__mmask16>((1U << static_cast<unsigned>(count)) - 1U);
}

/// Returns a value in the lower half of each word; 0 in other lanes.
INCUBATE_INLINE __m512i load_words(const Bfloat16* from, __mmask16 lanes) {
  return _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(lanes, from));
}

INCUBATE_INLINE __m512 load_floats(const Bfloat16* from) {
  const __m256i halves = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}

/// Rounds to the nearest value, ties to even. Subnormal numbers become 0.
INCUBATE_INLINE void store_rounded(const __m512& values, Bfloat16* to) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(values)));
}

/// Sets rows (count, width) = source + bias.
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

/// Transposes: rows[i][j] = rows[j][i].
INCUBATE_INLINE void transpose_16(__m512i (&rows)[16]) {
  __m512i mixed[16];
  for (int i = 0; i < 16; i += 2) {
    mixed[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
    mixed[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    rows[i] = _mm512_unpacklo_epi64(mixed[i], mixed[i + 2]);
    rows[i + 1] = _mm512_unpackhi_epi64(mixed[i], mixed[i + 2]);
    rows[i + 2] = _mm512_unpacklo_epi64(mixed[i + 1], mixed[i + 3]);
    rows[i + 3] = _mm512_unpackhi_epi64(mixed[i + 1], mixed[i + 3]);
  }
  constexpr int kEven = 0x88;
  constexpr int kOdd = 0xDD;
  for (int i = 0; i < 4; ++i) {
    mixed[i] = _mm512_shuffle_i32x4(rows[i], rows[i + 4], kEven);
    mixed[i + 4] = _mm512_shuffle_i32x4(rows[i], rows[i + 4], kOdd);
    mixed[i + 8] = _mm512_shuffle_i32x4(rows[i + 8], rows[i + 12], kEven);
    mixed[i + 12] = _mm512_shuffle_i32x4(rows[i + 8], rows[i + 12], kOdd);
  }
  for (int i = 0; i < 8; ++i) {
    rows[i] = _mm512_shuffle_i32x4(mixed[i], mixed[i + 8], kEven);
    rows[i + 8] = _mm512_shuffle_i32x4(mixed[i], mixed[i + 8], kOdd);
  }
}

/// Sets to (columns, rows) to the transpose of words (rows, columns). Each row of `to` is filled with zeros to whole
/// vectors. REQUIRES: rows of `to` have room for the zeros.
inline void transpose_words(const std::uint32_t* from, std::int64_t from_stride, std::int64_t rows,
                            std::int64_t columns, std::uint32_t* to, std::int64_t to_stride) {
  for (std::int64_t row = 0; row < rows; row += kLanes) {
    for (std::int64_t column = 0; column < columns; column += kLanes) {
      const std::int64_t num_rows = std::min(kLanes, rows - row);
      const std::int64_t num_columns = std::min(kLanes, columns - column);
      const __mmask16 in_row = first_lanes(num_columns);
      __m512i block[kLanes];
      for (std::int64_t i = 0; i < kLanes; ++i) {
        block[i] = i < num_rows ? _mm512_maskz_loadu_epi32(in_row, from + ((row + i) * from_stride) + column)
                                : _mm512_setzero_si512();
      }
      transpose_16(block);
      for (std::int64_t i = 0; i < num_columns; ++i) {
        _mm512_storeu_si512(to + ((column + i) * to_stride) + row, block[i]);
      }
    }
  }
}

INCUBATE_END_PAIRS

}  // namespace incubate::cpu

#endif
