#pragma once

#include <cstdint>

#include "cpu/kernels/pair_product.h"

namespace incubate::cpu {

// Factors of products in the order in which they are multiplied (see PairProduct). REQUIRES: has_vector_product().

/// to (columns, rows) = from (rows, columns), with rows of `from_stride` and `to_stride` values. The latter is even; if
/// the number of rows is odd, there is a 0 behind them.
void transpose(const Bfloat16* from, std::int64_t from_stride, std::int64_t rows, std::int64_t columns, Bfloat16* to,
               std::int64_t to_stride);

/// pairs (ceil(rows / 2), columns) of (rows, columns): neighbours within a column. `columns` are whole vectors of 16.
void pair_rows(const Bfloat16* from, std::int64_t rows, std::int64_t columns, Pair* pairs);

}  // namespace incubate::cpu
