#pragma once

#include <cstdint>

#include "cpu/kernels/bfloat16.h"

namespace incubate::cpu {

// GELU, x Phi(x), of rows of `width` values (Hendrycks and Gimpel, "Gaussian error linear units", 2016). T is float or
// Bfloat16; arithmetic is in fp32.

/// Adds bias[c] to values[r][c], then sets result = GELU(values).
void bias_gelu(float* values, const float* bias, float* result, std::int64_t rows, std::int64_t width);
void bias_gelu(Bfloat16* values, const float* bias, Bfloat16* result, std::int64_t rows, std::int64_t width);

/// Sets result = gradient * GELU'(values). Adds the result's rows to `bias_gradient` (width), if not null.
void gelu_backward(const float* values, const float* gradient, float* result, float* bias_gradient, std::int64_t rows,
                   std::int64_t width);
void gelu_backward(const Bfloat16* values, const Bfloat16* gradient, Bfloat16* result, float* bias_gradient,
                   std::int64_t rows, std::int64_t width);

}  // namespace incubate::cpu
