#pragma once

#include <cstdint>

#include "cpu/kernels/bfloat16.h"

namespace incubate::cpu {

// Softmax of rows of `width` values. Each row is filled up to `stride`, a multiple of kSoftmaxLanes: whole vectors. T
// is float or Bfloat16; arithmetic is in fp32.

inline constexpr std::int64_t kSoftmaxLanes = 16;

/// Sets values = softmax(scale * values) for each row; values behind a row become 0.
void softmax(float* values, float scale, std::int64_t rows, std::int64_t width, std::int64_t stride);
void softmax(Bfloat16* values, float scale, std::int64_t rows, std::int64_t width, std::int64_t stride);

/// Turns the gradient of the result p into that of the values: scale * p * (gradient - sum(p * gradient)). Behind a
/// row, where p is 0, gradients become 0. REQUIRES: they are finite.
void softmax_backward(const float* result, float* gradient, float scale, std::int64_t rows, std::int64_t stride);
void softmax_backward(const Bfloat16* result, Bfloat16* gradient, float scale, std::int64_t rows, std::int64_t stride);

}  // namespace incubate::cpu
