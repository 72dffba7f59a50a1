#pragma once

#include <cstdint>

#include "cpu/kernels/bfloat16.h"

namespace incubate::cpu {

/// Two neighbours in one word: the first is the lower half.
using Pair = std::uint32_t;

/// Who multiplies matrices in bfloat16, with sums in float: the vector unit, or a library that knows more of the
/// processor.
struct PairProduct {
  /// c (rows, columns) = a b, over `num_pairs` pairs of neighbours in a row of `a`, which has `a_stride` values, and
  /// `b` (num_pairs, columns). `columns` and `a_stride` are whole vectors of 16 words.
  void (*multiply)(const Bfloat16* a, std::int64_t a_stride, std::int64_t rows, const Pair* b, std::int64_t columns,
                   std::int64_t num_pairs, float* c);
  /// Called after the last of several.
  void (*finish)();
  /// So many rows of `c` at once are multiplied well, and few enough that they stay in the first cache.
  std::int64_t rows_at_once;
};

/// By AVX512-BF16. REQUIRES: has_vector_product().
PairProduct vector_product();
bool has_vector_product();

}  // namespace incubate::cpu
