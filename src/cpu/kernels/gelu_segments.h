#pragma once

#include <cstdint>

#include "cpu/kernels/bfloat16.h"

namespace incubate::cpu {

// GELU of bfloat16 by AVX512-BF16. The segment of x, one of 32, selects a polynomial's coefficients in registers.
// REQUIRES: has_vector_product() (pair_product.h).

/// Adds bias[i] to values[i], then sets result[i] = GELU(values[i]).
void bias_gelu_by_segments(Bfloat16* values, const float* bias, Bfloat16* result, std::int64_t width);

/// Sets result[i] = gradient[i] * GELU'(values[i]).
void gelu_backward_by_segments(const Bfloat16* values, const Bfloat16* gradient, Bfloat16* result, std::int64_t size);

}  // namespace incubate::cpu
