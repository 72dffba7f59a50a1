#pragma once

#include <cstdint>

#include "cpu/kernels/pair_product.h"

namespace incubate::cpu {

// Factors of products in the order of PairProduct. REQUIRES: has_vector_product().

/// Sets to (columns, rows) to the transpose of from (rows, columns). Rows have `from_stride` and `to_stride` values;
/// `to_stride` is even. An odd number of rows is followed by a 0.
void transpose(const Bfloat16* from, std::int64_t from_stride, std::int64_t rows, std::int64_t columns, Bfloat16* to,
               std::int64_t to_stride);

/// Pairs neighbours within columns: (rows, columns) to (ceil(rows / 2), columns). `columns` is a multiple of 16.
void pair_rows(const Bfloat16* from, std::int64_t rows, std::int64_t columns, Pair* pairs);

}  // namespace incubate::cpu
