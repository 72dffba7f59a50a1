#pragma once

#include <cstdint>

#include "cpu/kernels/bfloat16.h"

namespace incubate::cpu {

/// Adds the sum over r of values[r][c] to sums[c]. Sums blocks of 64 rows separately, for a small error.
void add_rows(const float* values, float* sums, std::int64_t rows, std::int64_t width);
void add_rows(const Bfloat16* values, float* sums, std::int64_t rows, std::int64_t width);

}  // namespace incubate::cpu
