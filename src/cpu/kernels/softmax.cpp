#include "cpu/kernels/softmax.h"

#include <bit>
#include <limits>
#include <vector>

#include "cpu/kernels/versions.h"

#pragma GCC diagnostic ignored "-Wpsabi"            // no vector is passed to another file
#pragma GCC diagnostic ignored "-Wclass-memaccess"  // Bfloat16 has the layout of its bits

namespace incubate::cpu {
namespace {

#if defined(__x86_64__) && !defined(__clang__)
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,fma,prefer-vector-width=512")
namespace for_avx512 {
#include "cpu/kernels/softmax_rows.inl"
}
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx2,fma")
namespace for_avx2 {
#include "cpu/kernels/softmax_rows.inl"
}
#pragma GCC pop_options
#endif
namespace for_any {
#include "cpu/kernels/softmax_rows.inl"
}

/// Excludes the values behind a row: they cannot be the largest, and their exponentials do not count.
struct Ends {
  Ends(std::int64_t width, std::int64_t stride) : addends(stride), factors(stride) {
    for (std::int64_t i = 0; i < stride; ++i) {
      addends[i] = i < width ? 0 : -std::numeric_limits<float>::infinity();
      factors[i] = i < width ? 1 : 0;
    }
  }
  std::vector<float> addends, factors;
};

template <typename T>
void softmax_of(T* values, float scale, std::int64_t rows, std::int64_t width, std::int64_t stride) {
  const Ends ends(width, stride);
  std::vector<float> exponentials(for_any::kRowsAtOnce * stride);
  const auto with = [&](auto&& forward) {
    forward(values, ends.addends.data(), ends.factors.data(), exponentials.data(), scale, rows, stride);
  };
#if defined(__x86_64__) && !defined(__clang__)
  if (vector_unit() == VectorUnit::avx512) return with(for_avx512::forward<T>);
  if (vector_unit() == VectorUnit::avx2) return with(for_avx2::forward<T>);
#endif
  with(for_any::forward<T>);
}

template <typename T>
void softmax_backward_of(const T* result, T* gradient, float scale, std::int64_t rows, std::int64_t stride) {
#if defined(__x86_64__) && !defined(__clang__)
  if (vector_unit() == VectorUnit::avx512) return for_avx512::backward(result, gradient, scale, rows, stride);
  if (vector_unit() == VectorUnit::avx2) return for_avx2::backward(result, gradient, scale, rows, stride);
#endif
  for_any::backward(result, gradient, scale, rows, stride);
}

}  // namespace

void softmax(float* values, float scale, std::int64_t rows, std::int64_t width, std::int64_t stride) {
  softmax_of(values, scale, rows, width, stride);
}

void softmax(Bfloat16* values, float scale, std::int64_t rows, std::int64_t width, std::int64_t stride) {
  softmax_of(values, scale, rows, width, stride);
}

void softmax_backward(const float* result, float* gradient, float scale, std::int64_t rows, std::int64_t stride) {
  softmax_backward_of(result, gradient, scale, rows, stride);
}

void softmax_backward(const Bfloat16* result, Bfloat16* gradient, float scale, std::int64_t rows, std::int64_t stride) {
  softmax_backward_of(result, gradient, scale, rows, stride);
}

}  // namespace incubate::cpu
