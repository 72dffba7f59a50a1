#include "kernels/softmax.h"

#include <limits>
#include <vector>

#include "kernels/elementary.h"

namespace incubate {
namespace {

template <typename T>
INCUBATE_INLINE void forward(T* __restrict values, float* __restrict row, float scale, std::int64_t rows,
                             std::int64_t width) {
  for (std::int64_t r = 0; r < rows; ++r, values += width) {
    float largest = -std::numeric_limits<float>::infinity();
#pragma omp simd reduction(max : largest)
    for (std::int64_t i = 0; i < width; ++i) {
      row[i] = to_float(values[i]);
      largest = row[i] > largest ? row[i] : largest;
    }
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t i = 0; i < width; ++i) {
      row[i] = vector_exp(scale * (row[i] - largest));
      sum += row[i];
    }
    const float inverse = 1 / sum;
    for (std::int64_t i = 0; i < width; ++i) values[i] = from_float<T>(row[i] * inverse);
  }
}

template <typename T>
INCUBATE_INLINE void backward(const T* __restrict result, T* __restrict gradient, float scale, std::int64_t rows,
                              std::int64_t width) {
  for (std::int64_t r = 0; r < rows; ++r, result += width, gradient += width) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t i = 0; i < width; ++i) sum += to_float(result[i]) * to_float(gradient[i]);
    for (std::int64_t i = 0; i < width; ++i) {
      gradient[i] = from_float<T>(scale * to_float(result[i]) * (to_float(gradient[i]) - sum));
    }
  }
}

INCUBATE_KERNEL void forward_of(float* values, float* row, float scale, std::int64_t rows, std::int64_t width) {
  forward(values, row, scale, rows, width);
}
INCUBATE_KERNEL void forward_of(Bfloat16* values, float* row, float scale, std::int64_t rows, std::int64_t width) {
  forward(values, row, scale, rows, width);
}
INCUBATE_KERNEL void backward_of(const float* result, float* gradient, float scale, std::int64_t rows,
                                 std::int64_t width) {
  backward(result, gradient, scale, rows, width);
}
INCUBATE_KERNEL void backward_of(const Bfloat16* result, Bfloat16* gradient, float scale, std::int64_t rows,
                                 std::int64_t width) {
  backward(result, gradient, scale, rows, width);
}

}  // namespace

void softmax(float* values, float scale, std::int64_t rows, std::int64_t width) {
  std::vector<float> row(width);
  forward_of(values, row.data(), scale, rows, width);
}

void softmax(Bfloat16* values, float scale, std::int64_t rows, std::int64_t width) {
  std::vector<float> row(width);
  forward_of(values, row.data(), scale, rows, width);
}

void softmax_backward(const float* result, float* gradient, float scale, std::int64_t rows, std::int64_t width) {
  backward_of(result, gradient, scale, rows, width);
}

void softmax_backward(const Bfloat16* result, Bfloat16* gradient, float scale, std::int64_t rows, std::int64_t width) {
  backward_of(result, gradient, scale, rows, width);
}

}  // namespace incubate
