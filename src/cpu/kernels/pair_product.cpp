#include "cpu/kernels/pair_product.h"

#include <cstdlib>

#include "cpu/kernels/pairs.h"
#include "cpu/kernels/versions.h"

#if defined(__x86_64__) && !defined(__clang__)

namespace incubate::cpu {

bool has_vector_product() {
  static const bool has_instructions = vector_unit() == VectorUnit::avx512 && __builtin_cpu_supports("avx512bf16") != 0;
  return has_instructions;
}

namespace {

INCUBATE_BEGIN_PAIRS

struct LeftFactor {
  const Bfloat16* first;
  std::int64_t stride;

  const Bfloat16* row(std::int64_t index) const { return first + (index * stride); }
  Pair pair(std::int64_t row_index, std::int64_t p) const {
    Pair pair;
    __builtin_memcpy(&pair, row(row_index) + (2 * p), sizeof(pair));
    return pair;
  }
};

/// Sets c (kRows, kVectors * 16) = a b: sums over `num_pairs` pairs. `b` has `stride` words a pair, `c` floats a row.
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

/// Multiplies the rows from `row` on, kRows at a time, then the rest in smaller tiles.
template <int kRows, int kVectors>
INCUBATE_INLINE void multiply_rows(const LeftFactor& a, std::int64_t row, std::int64_t rows, const Pair* b,
                                   std::int64_t stride, std::int64_t num_pairs, float* c) {
  for (; row + kRows <= rows; row += kRows) {
    multiply_tile<kRows, kVectors>({a.row(row), a.stride}, b, stride, num_pairs, c + (row * stride));
  }
  if constexpr (kRows > 1) multiply_rows<kRows / 2, kVectors>(a, row, rows, b, stride, num_pairs, c);
}

/// Multiplies as many rows at a time as registers can hold sums of.
template <int kVectors>
INCUBATE_INLINE void multiply_columns(const LeftFactor& a, std::int64_t rows, const Pair* b, std::int64_t stride,
                                      std::int64_t num_pairs, float* c) {
  multiply_rows<kVectors == 1 ? 12 : 24 / kVectors, kVectors>(a, 0, rows, b, stride, num_pairs, c);
}

void multiply_by_vectors(const Bfloat16* a_rows, std::int64_t a_stride, std::int64_t rows, const Pair* b,
                         std::int64_t columns, std::int64_t num_pairs, float* c) {
  const LeftFactor a = {a_rows, a_stride};
  std::int64_t i = 0;
  for (; i + (4 * kLanes) <= columns; i += 4 * kLanes) {
    multiply_columns<4>(a, rows, b + i, columns, num_pairs, c + i);
  }
  switch ((columns - i) / kLanes) {
    case 3:
      return multiply_columns<3>(a, rows, b + i, columns, num_pairs, c + i);
    case 2:
      return multiply_columns<2>(a, rows, b + i, columns, num_pairs, c + i);
    case 1:
      return multiply_columns<1>(a, rows, b + i, columns, num_pairs, c + i);
    default:
      return;
  }
}

INCUBATE_END_PAIRS

}  // namespace

PairProduct vector_product() {
  return {.multiply = multiply_by_vectors, .finish = [] {}, .rows_at_once = 12};
}

}  // namespace incubate::cpu

#else

namespace incubate::cpu {

bool has_vector_product() { return false; }

PairProduct vector_product() { std::abort(); }

}  // namespace incubate::cpu

#endif
