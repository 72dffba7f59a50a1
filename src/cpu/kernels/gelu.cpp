#include "cpu/kernels/gelu.h"

#include <algorithm>

#include "cpu/kernels/column_sums.h"
#include "cpu/kernels/elementary.h"
#include "cpu/kernels/gelu_segments.h"
#include "cpu/kernels/gelu_table.h"
#include "cpu/kernels/pair_product.h"
#include "cpu/kernels/versions.h"

namespace incubate::cpu {
namespace {

INCUBATE_INLINE void add_bias(Bfloat16* __restrict values, const float* __restrict bias, std::int64_t width) {
  for (std::int64_t i = 0; i < width; ++i) values[i] = from_float<Bfloat16>(to_float(values[i]) + bias[i]);
}

INCUBATE_INLINE void forward(float* __restrict values, const float* __restrict bias, float* __restrict result,
                             std::int64_t width) {
  for (std::int64_t i = 0; i < width; ++i) {
    values[i] += bias[i];
    result[i] = values[i] * normal_at(values[i]).below;
  }
}

INCUBATE_INLINE void backward(const float* __restrict values, const float* __restrict gradient,
                              float* __restrict result, std::int64_t size) {
  for (std::int64_t i = 0; i < size; ++i) result[i] = gradient[i] * gelu_slope(values[i]);
}

INCUBATE_KERNEL(add_bias_of, (Bfloat16 * values, const float* bias, std::int64_t width), add_bias,
                (values, bias, width))
INCUBATE_KERNEL(forward_of, (float* values, const float* bias, float* result, std::int64_t width), forward,
                (values, bias, result, width))
INCUBATE_KERNEL(backward_of, (const float* values, const float* gradient, float* result, std::int64_t size), backward,
                (values, gradient, result, size))

void forward_of(Bfloat16* values, const float* bias, Bfloat16* result, std::int64_t width) {
  if (has_vector_product()) return bias_gelu_by_segments(values, bias, result, width);
  add_bias_of(values, bias, width);
  gelu_by_table(values, result, width);
}

void backward_of(const Bfloat16* values, const Bfloat16* gradient, Bfloat16* result, std::int64_t size) {
  if (has_vector_product()) return gelu_backward_by_segments(values, gradient, result, size);
  gelu_backward_by_table(values, gradient, result, size);
}

template <typename T>
void bias_gelu_of(T* values, const float* bias, T* result, std::int64_t rows, std::int64_t width) {
  for (std::int64_t row = 0; row < rows; ++row, values += width, result += width) {
    forward_of(values, bias, result, width);
  }
}

template <typename T>
void gelu_backward_of(const T* values, const T* gradient, T* result, float* bias_gradient, std::int64_t rows,
                      std::int64_t width) {
  constexpr std::int64_t kBlock = 64;  // rows that stay in the cache until their sum is taken
  for (std::int64_t row = 0; row < rows; row += kBlock) {
    const std::int64_t count = std::min(kBlock, rows - row);
    const std::int64_t begin = row * width;
    backward_of(values + begin, gradient + begin, result + begin, count * width);
    if (bias_gradient != nullptr) add_rows(result + begin, bias_gradient, count, width);
  }
}

}  // namespace

void bias_gelu(float* values, const float* bias, float* result, std::int64_t rows, std::int64_t width) {
  bias_gelu_of(values, bias, result, rows, width);
}

void bias_gelu(Bfloat16* values, const float* bias, Bfloat16* result, std::int64_t rows, std::int64_t width) {
  bias_gelu_of(values, bias, result, rows, width);
}

void gelu_backward(const float* values, const float* gradient, float* result, float* bias_gradient, std::int64_t rows,
                   std::int64_t width) {
  gelu_backward_of(values, gradient, result, bias_gradient, rows, width);
}

void gelu_backward(const Bfloat16* values, const Bfloat16* gradient, Bfloat16* result, float* bias_gradient,
                   std::int64_t rows, std::int64_t width) {
  gelu_backward_of(values, gradient, result, bias_gradient, rows, width);
}

}  // namespace incubate::cpu
