#pragma once

#include <cstdint>

#include "kernels/bfloat16.h"

namespace incubate {

// Softmax of rows of `width` values. T is float or Bfloat16; arithmetic is in fp32.

/// values = softmax(scale * values), row by row.
void softmax(float* values, float scale, std::int64_t rows, std::int64_t width);
void softmax(Bfloat16* values, float scale, std::int64_t rows, std::int64_t width);

/// Turns the gradient of the result into that of the values: scale * p * (gradient - sum(p * gradient)), where p is the
/// result.
void softmax_backward(const float* result, float* gradient, float scale, std::int64_t rows, std::int64_t width);
void softmax_backward(const Bfloat16* result, Bfloat16* gradient, float scale, std::int64_t rows, std::int64_t width);

}  // namespace incubate
