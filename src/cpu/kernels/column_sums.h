#pragma once

#include <cstdint>

#include "cpu/kernels/bfloat16.h"

namespace incubate::cpu {

/// sums[c] += the sum over r of values[r][c]; a block of 64 rows is added up on its own first, which keeps the error
/// low.
void add_rows(const float* values, float* sums, std::int64_t rows, std::int64_t width);
void add_rows(const Bfloat16* values, float* sums, std::int64_t rows, std::int64_t width);

}  // namespace incubate::cpu
