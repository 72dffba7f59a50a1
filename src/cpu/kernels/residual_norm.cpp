#include "cpu/kernels/residual_norm.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "cpu/kernels/versions.h"

namespace incubate::cpu {
namespace {

template <typename T>
INCUBATE_INLINE void add_branch(const float* __restrict x, const T* __restrict branch, const float* __restrict bias,
                                const float* __restrict scale, float factor, float* __restrict y, std::int64_t size,
                                std::int64_t width) {
  for (std::int64_t begin = 0; begin < size; begin += width) {
    for (std::int64_t i = 0; i < width; ++i) {
      y[begin + i] = x[begin + i] + (factor * scale[i] * (to_float(branch[begin + i]) + bias[i]));
    }
  }
}

template <typename T>
INCUBATE_INLINE void normalise(const float* __restrict y, T* __restrict values, const float* __restrict weight,
                               const float* __restrict bias, float epsilon, float* __restrict means,
                               float* __restrict inverses, std::int64_t rows, std::int64_t width) {
  for (std::int64_t row = 0; row < rows; ++row, y += width, values += width) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t i = 0; i < width; ++i) sum += y[i];
    const float mean = sum / static_cast<float>(width);
    float squares = 0;
#pragma omp simd reduction(+ : squares)
    for (std::int64_t i = 0; i < width; ++i) squares += (y[i] - mean) * (y[i] - mean);
    const float inverse = 1 / std::sqrt((squares / static_cast<float>(width)) + epsilon);
    for (std::int64_t i = 0; i < width; ++i) {
      values[i] = from_float<T>((weight[i] * ((y[i] - mean) * inverse)) + bias[i]);
    }
    means[row] = mean;
    inverses[row] = inverse;
  }
}

/// Adds the norm's part to dx, dweight and dbias.
template <typename T>
INCUBATE_INLINE void normalise_backward(const float* __restrict y, const T* __restrict dvalues,
                                        const float* __restrict weight, const float* __restrict means,
                                        const float* __restrict inverses, float* __restrict dx,
                                        float* __restrict dweight, float* __restrict dbias, std::int64_t rows,
                                        std::int64_t width) {
  for (std::int64_t row = 0; row < rows; ++row, y += width, dvalues += width, dx += width) {
    const float mean = means[row];
    const float inverse = inverses[row];
    float sum = 0;
    float product = 0;
#pragma omp simd reduction(+ : sum, product)
    for (std::int64_t i = 0; i < width; ++i) {
      const float d = to_float(dvalues[i]);
      const float normalised = (y[i] - mean) * inverse;
      sum += d * weight[i];
      product += d * weight[i] * normalised;
      dweight[i] += d * normalised;
      dbias[i] += d;
    }
    sum /= static_cast<float>(width);
    product /= static_cast<float>(width);
    for (std::int64_t i = 0; i < width; ++i) {
      const float normalised = (y[i] - mean) * inverse;
      dx[i] += inverse * ((to_float(dvalues[i]) * weight[i]) - sum - (normalised * product));
    }
  }
}

/// Sets dbranch = factor * scale * dx, and adds to the gradients of bias and scale.
template <typename T>
INCUBATE_INLINE void branch_backward(const float* __restrict dx, const float* __restrict scale, float factor,
                                     T* __restrict dbranch, float* __restrict dbias, std::int64_t rows,
                                     std::int64_t width) {
  for (std::int64_t row = 0; row < rows; ++row, dx += width, dbranch += width) {
    for (std::int64_t i = 0; i < width; ++i) {
      const float d = factor * scale[i] * dx[i];
      dbranch[i] = from_float<T>(d);
      dbias[i] += d;
    }
  }
}

template <typename T>
INCUBATE_INLINE void scale_backward(const float* __restrict dx, const T* __restrict branch,
                                    const float* __restrict bias, float factor, float* __restrict dscale,
                                    std::int64_t rows, std::int64_t width) {
  for (std::int64_t row = 0; row < rows; ++row, dx += width, branch += width) {
    for (std::int64_t i = 0; i < width; ++i) dscale[i] += factor * dx[i] * (to_float(branch[i]) + bias[i]);
  }
}

#define INCUBATE_INSTANTIATE(T)                                                                                      \
  INCUBATE_KERNEL(add_branch_of,                                                                                     \
                  (const float* x, const T* branch, const float* bias, const float* scale, float factor, float* y,   \
                   std::int64_t size, std::int64_t width),                                                           \
                  add_branch, (x, branch, bias, scale, factor, y, size, width))                                      \
  INCUBATE_KERNEL(normalise_of,                                                                                      \
                  (const float* y, T* values, const float* weight, const float* bias, float epsilon, float* means,   \
                   float* inverses, std::int64_t rows, std::int64_t width),                                          \
                  normalise, (y, values, weight, bias, epsilon, means, inverses, rows, width))                       \
  INCUBATE_KERNEL(normalise_backward_of,                                                                             \
                  (const float* y, const T* dvalues, const float* weight, const float* means, const float* inverses, \
                   float* dx, float* dweight, float* dbias, std::int64_t rows, std::int64_t width),                  \
                  normalise_backward, (y, dvalues, weight, means, inverses, dx, dweight, dbias, rows, width))        \
  INCUBATE_KERNEL(branch_backward_of,                                                                                \
                  (const float* dx, const float* scale, float factor, T* dbranch, float* dbias, std::int64_t rows,   \
                   std::int64_t width),                                                                              \
                  branch_backward, (dx, scale, factor, dbranch, dbias, rows, width))                                 \
  INCUBATE_KERNEL(scale_backward_of,                                                                                 \
                  (const float* dx, const T* branch, const float* bias, float factor, float* dscale,                 \
                   std::int64_t rows, std::int64_t width),                                                           \
                  scale_backward, (dx, branch, bias, factor, dscale, rows, width))

INCUBATE_INSTANTIATE(float)
INCUBATE_INSTANTIATE(Bfloat16)

/// Returns the sample's index in the values of a branch or norm, or -1.
template <typename Part>
std::int64_t place_of(const Part& part, std::int64_t sample) {
  if (part.values == nullptr) return -1;
  return part.places == nullptr ? sample : part.places[sample];
}

template <typename T>
float factor_of(const KernelBranch<T>& branch, std::int64_t place) {
  return branch.factors == nullptr ? 1 : branch.factors[place];
}

std::vector<float> vector_or(const float* values, float fallback, std::int64_t width) {
  return values == nullptr ? std::vector<float>(width, fallback) : std::vector<float>(values, values + width);
}

template <typename T>
void residual_norm_of(const float* x, const KernelBranch<T>& branch, float* y, const KernelNorm<T>& norm,
                      const RowShape& shape) {
  const std::int64_t size = shape.rows * shape.width;
  const std::vector<float> scale = vector_or(branch.scale, 1, shape.width);
  const std::vector<float> bias = vector_or(branch.bias, 0, shape.width);
  for (std::int64_t sample = 0; sample < shape.samples; ++sample, x += size, y += size) {
    const std::int64_t from = place_of(branch, sample);
    if (from >= 0) {
      add_branch_of(x, branch.values + (from * size), bias.data(), scale.data(), factor_of(branch, from), y, size,
                    shape.width);
    } else {
      std::copy_n(x, size, y);
    }
    const std::int64_t to = place_of(norm, sample);
    if (to < 0) continue;
    normalise_of(y, norm.values + (to * size), norm.weight, norm.bias, norm.epsilon, norm.mean + (to * shape.rows),
                 norm.inverse + (to * shape.rows), shape.rows, shape.width);
  }
}

/// A sample's part of the gradients of vectors. It is summed separately, for a small error.
struct Partial {
  explicit Partial(std::int64_t width) : values(width) {}
  void add_to(float* sum) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (sum != nullptr) sum[i] += values[i];
      values[i] = 0;
    }
  }
  std::vector<float> values;
};

template <typename T>
void residual_norm_backward_of(const float* y, const float* dy, const KernelNorm<T>& norm,
                               const KernelBranch<T>& branch, float* dx, T* dbranch, const VectorGradients& gradients,
                               const RowShape& shape) {
  const std::int64_t size = shape.rows * shape.width;
  const std::vector<float> scale = vector_or(branch.scale, 1, shape.width);
  const std::vector<float> bias = vector_or(branch.bias, 0, shape.width);
  Partial norm_weight(shape.width);
  Partial norm_bias(shape.width);
  Partial branch_bias(shape.width);
  Partial branch_scale(shape.width);
  for (std::int64_t sample = 0; sample < shape.samples; ++sample, y += size, dx += size) {
    if (dy == nullptr) {
      std::fill_n(dx, size, 0.0F);
    } else {
      std::copy_n(dy + (sample * size), size, dx);
    }
    const std::int64_t from = place_of(norm, sample);
    if (from >= 0) {
      normalise_backward_of(y, norm.values + (from * size), norm.weight, norm.mean + (from * shape.rows),
                            norm.inverse + (from * shape.rows), dx, norm_weight.values.data(), norm_bias.values.data(),
                            shape.rows, shape.width);
      norm_weight.add_to(gradients.norm_weight);
      norm_bias.add_to(gradients.norm_bias);
    }
    const std::int64_t to = place_of(branch, sample);
    if (to < 0 || dbranch == nullptr) continue;
    branch_backward_of(dx, scale.data(), factor_of(branch, to), dbranch + (to * size), branch_bias.values.data(),
                       shape.rows, shape.width);
    branch_bias.add_to(gradients.branch_bias);
    if (gradients.branch_scale == nullptr) continue;
    scale_backward_of(dx, branch.values + (to * size), bias.data(), factor_of(branch, to), branch_scale.values.data(),
                      shape.rows, shape.width);
    branch_scale.add_to(gradients.branch_scale);
  }
}

}  // namespace

void residual_norm(const float* x, const KernelBranch<float>& branch, float* y, const KernelNorm<float>& norm,
                   const RowShape& shape) {
  residual_norm_of(x, branch, y, norm, shape);
}

void residual_norm(const float* x, const KernelBranch<Bfloat16>& branch, float* y, const KernelNorm<Bfloat16>& norm,
                   const RowShape& shape) {
  residual_norm_of(x, branch, y, norm, shape);
}

void residual_norm_backward(const float* y, const float* dy, const KernelNorm<float>& norm,
                            const KernelBranch<float>& branch, float* dx, float* dbranch,
                            const VectorGradients& gradients, const RowShape& shape) {
  residual_norm_backward_of(y, dy, norm, branch, dx, dbranch, gradients, shape);
}

void residual_norm_backward(const float* y, const float* dy, const KernelNorm<Bfloat16>& norm,
                            const KernelBranch<Bfloat16>& branch, float* dx, Bfloat16* dbranch,
                            const VectorGradients& gradients, const RowShape& shape) {
  residual_norm_backward_of(y, dy, norm, branch, dx, dbranch, gradients, shape);
}

}  // namespace incubate::cpu
