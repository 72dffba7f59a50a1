#include "kernels/gelu.h"

#include <vector>

#include "kernels/column_sums.h"
#include "kernels/elementary.h"

namespace incubate {
namespace {

template <typename T>
INCUBATE_INLINE void forward(T* __restrict values, const float* __restrict bias, T* __restrict result,
                             std::int64_t rows, std::int64_t width) {
  for (std::int64_t row = 0; row < rows; ++row, values += width, result += width) {
    for (std::int64_t i = 0; i < width; ++i) {
      values[i] = from_float<T>(to_float(values[i]) + bias[i]);
      const float x = to_float(values[i]);
      result[i] = from_float<T>(x * normal_at(x).below);
    }
  }
}

template <typename T>
INCUBATE_INLINE void backward(const T* __restrict values, T* __restrict gradient, std::int64_t size) {
  for (std::int64_t i = 0; i < size; ++i) {
    const float x = to_float(values[i]);
    const Normal normal = normal_at(x);
    gradient[i] = from_float<T>(to_float(gradient[i]) * (normal.below + (x * normal.density)));
  }
}

INCUBATE_KERNEL void forward_of(float* values, const float* bias, float* result, std::int64_t rows,
                                std::int64_t width) {
  forward(values, bias, result, rows, width);
}
INCUBATE_KERNEL void forward_of(Bfloat16* values, const float* bias, Bfloat16* result, std::int64_t rows,
                                std::int64_t width) {
  forward(values, bias, result, rows, width);
}
INCUBATE_KERNEL void backward_of(const float* values, float* gradient, std::int64_t size) {
  backward(values, gradient, size);
}
INCUBATE_KERNEL void backward_of(const Bfloat16* values, Bfloat16* gradient, std::int64_t size) {
  backward(values, gradient, size);
}

template <typename T>
void bias_gelu_of(T* values, const float* bias, T* result, std::int64_t rows, std::int64_t width) {
  const std::vector<float> zeros(bias == nullptr ? width : 0);
  forward_of(values, bias == nullptr ? zeros.data() : bias, result, rows, width);
}

template <typename T>
void gelu_backward_of(const T* values, T* gradient, float* bias_gradient, std::int64_t rows, std::int64_t width) {
  constexpr std::int64_t kBlock = 64;  // rows that stay in the cache for their sum
  for (std::int64_t row = 0; row < rows; row += kBlock) {
    const std::int64_t count = std::min(kBlock, rows - row);
    backward_of(values + (row * width), gradient + (row * width), count * width);
    if (bias_gradient != nullptr) add_rows(gradient + (row * width), bias_gradient, count, width);
  }
}

}  // namespace

void bias_gelu(float* values, const float* bias, float* result, std::int64_t rows, std::int64_t width) {
  bias_gelu_of(values, bias, result, rows, width);
}

void bias_gelu(Bfloat16* values, const float* bias, Bfloat16* result, std::int64_t rows, std::int64_t width) {
  bias_gelu_of(values, bias, result, rows, width);
}

void gelu_backward(const float* values, float* gradient, float* bias_gradient, std::int64_t rows, std::int64_t width) {
  gelu_backward_of(values, gradient, bias_gradient, rows, width);
}

void gelu_backward(const Bfloat16* values, Bfloat16* gradient, float* bias_gradient, std::int64_t rows,
                   std::int64_t width) {
  gelu_backward_of(values, gradient, bias_gradient, rows, width);
}

}  // namespace incubate
