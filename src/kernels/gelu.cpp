#include "kernels/gelu.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/column_sums.h"
#include "kernels/elementary.h"
#include "kernels/versions.h"

namespace incubate {
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
  for (std::int64_t i = 0; i < size; ++i) {
    const Normal normal = normal_at(values[i]);
    result[i] = gradient[i] * (normal.below + (values[i] * normal.density));
  }
}

INCUBATE_KERNEL(add_bias_of, (Bfloat16 * values, const float* bias, std::int64_t width), add_bias,
                (values, bias, width))
INCUBATE_KERNEL(forward_of, (float* values, const float* bias, float* result, std::int64_t width), forward,
                (values, bias, result, width))
INCUBATE_KERNEL(backward_of, (const float* values, const float* gradient, float* result, std::int64_t size), backward,
                (values, gradient, result, size))

/// GELU and its slope at every value that there is: 2^16, of which a network meets some thousands, which the cache
/// holds. A look is cheaper than the arithmetic.
struct GeluTable {
  GeluTable() : values(kSize), slopes(kSize) {
    for (std::uint32_t bits = 0; bits < kSize; ++bits) {
      const float x = to_float(Bfloat16{static_cast<std::uint16_t>(bits)});
      const Normal normal = normal_at(x);
      // At infinity 0 times infinity: GELU is 0 or infinity there, its slope 0 or 1.
      values[bits] = from_float<Bfloat16>(std::isinf(x) ? std::max(x, 0.0F) : x * normal.below);
      slopes[bits] = std::isinf(x) ? static_cast<float>(x > 0) : normal.below + (x * normal.density);
    }
  }
  static const GeluTable& get() {
    static const GeluTable table;
    return table;
  }
  static constexpr std::uint32_t kSize = 1U << 16U;
  std::vector<Bfloat16> values;
  std::vector<float> slopes;
};

void forward_of(Bfloat16* values, const float* bias, Bfloat16* result, std::int64_t width) {
  add_bias_of(values, bias, width);
  const Bfloat16* table = GeluTable::get().values.data();
  for (std::int64_t i = 0; i < width; ++i) result[i] = table[values[i].bits];
}

void backward_of(const Bfloat16* values, const Bfloat16* gradient, Bfloat16* result, std::int64_t size) {
  const float* table = GeluTable::get().slopes.data();
  for (std::int64_t i = 0; i < size; ++i) {
    result[i] = from_float<Bfloat16>(to_float(gradient[i]) * table[values[i].bits]);
  }
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
  constexpr std::int64_t kBlock = 64;  // rows that stay in the cache for their sum
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

}  // namespace incubate
