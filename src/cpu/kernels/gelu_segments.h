#pragma once

#include <cstdint>

#include "cpu/kernels/bfloat16.h"

namespace incubate::cpu {

// GELU of bfloat16 by AVX512-BF16: where x lies, as one of 32 segments, chooses the coefficients of a polynomial, which
// registers hold. REQUIRES: has_vector_product() (pair_product.h).

/// values[i] += bias[i], then result[i] = GELU(values[i]).
void bias_gelu_by_segments(Bfloat16* values, const float* bias, Bfloat16* result, std::int64_t width);

/// result[i] = gradient[i] * GELU'(values[i])
void gelu_backward_by_segments(const Bfloat16* values, const Bfloat16* gradient, Bfloat16* result, std::int64_t size);

}  // namespace incubate::cpu
