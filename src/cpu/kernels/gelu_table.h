#pragma once

#include <cstdint>

#include "cpu/kernels/bfloat16.h"

namespace incubate::cpu {

// GELU of bfloat16 by a table, for processors without AVX512-BF16. A network uses some thousands of the 2^16 values.
// The cache holds those, so a look-up is cheaper than arithmetic. Results are rounded correctly.

/// Sets result[i] = GELU(values[i]).
void gelu_by_table(const Bfloat16* values, Bfloat16* result, std::int64_t size);

/// Sets result[i] = gradient[i] * GELU'(values[i]).
void gelu_backward_by_table(const Bfloat16* values, const Bfloat16* gradient, Bfloat16* result, std::int64_t size);

}  // namespace incubate::cpu
