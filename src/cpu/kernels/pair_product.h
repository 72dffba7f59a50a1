#pragma once

#include <cstdint>

#include "cpu/kernels/bfloat16.h"

namespace incubate::cpu {

/// Two neighbours in one word; the first is the lower half.
using Pair = std::uint32_t;

/// A multiplication of bfloat16 matrices with sums in float, by vector instructions or by a library.
struct PairProduct {
  /// Sets c (rows, columns) = a b, summed over `num_pairs` pairs of neighbours in the rows of `a` and of `b`
  /// (num_pairs, columns). Rows of `a` have `a_stride` values. REQUIRES: `columns` and `a_stride` are whole vectors of
  /// 16 words.
  void (*multiply)(const Bfloat16* a, std::int64_t a_stride, std::int64_t rows, const Pair* b, std::int64_t columns,
                   std::int64_t num_pairs, float* c);
  /// Must be called after the last multiply().
  void (*finish)();
  /// Rows of `c` for one call: enough to multiply well, few enough to stay in the first cache.
  std::int64_t rows_at_once;
};

/// Returns the product by AVX512-BF16. REQUIRES: has_vector_product().
PairProduct vector_product();
bool has_vector_product();

}  // namespace incubate::cpu
