#pragma once

#include <cstdint>

#include "cpu/kernels/bfloat16.h"

namespace incubate::cpu {

// GELU of bfloat16 where there is no AVX512-BF16: looked up. There are 2^16 values, of which a network meets some
// thousands, which the cache holds: cheaper than the arithmetic. Rounded correctly.

/// result[i] = GELU(values[i])
void gelu_by_table(const Bfloat16* values, Bfloat16* result, std::int64_t size);

/// result[i] = gradient[i] * GELU'(values[i])
void gelu_backward_by_table(const Bfloat16* values, const Bfloat16* gradient, Bfloat16* result, std::int64_t size);

}  // namespace incubate::cpu
