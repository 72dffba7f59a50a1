#pragma once

#include <cstdint>

#include "cpu/kernels/bfloat16.h"

namespace incubate::cpu {

// Softmax of rows of `width` values, each followed by others up to `stride`, a multiple of kSoftmaxLanes: so a row is
// whole vectors. T is float or Bfloat16; arithmetic is in fp32.

inline constexpr std::int64_t kSoftmaxLanes = 16;

/// values = softmax(scale * values), row by row; those behind a row become 0.
void softmax(float* values, float scale, std::int64_t rows, std::int64_t width, std::int64_t stride);
void softmax(Bfloat16* values, float scale, std::int64_t rows, std::int64_t width, std::int64_t stride);

/// Turns the gradient of the result into that of the values: scale * p * (gradient - sum(p * gradient)), where p is the
/// result. Behind a row, where p is 0, the gradient is finite at first, and becomes 0.
void softmax_backward(const float* result, float* gradient, float scale, std::int64_t rows, std::int64_t stride);
void softmax_backward(const Bfloat16* result, Bfloat16* gradient, float scale, std::int64_t rows, std::int64_t stride);

}  // namespace incubate::cpu
