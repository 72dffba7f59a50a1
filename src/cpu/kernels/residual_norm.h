#pragma once

#include <cstdint>

#include "cpu/kernels/bfloat16.h"

namespace incubate::cpu {

// A residual branch is added, and the sum is normalised for the next one (Ba et al., "Layer normalization", 2016), each
// for some of the samples only. Shapes: N samples of R rows of `width` values. What runs through the network is fp32;
// branches and normalised values are T, float or Bfloat16; arithmetic is in fp32.

struct RowShape {
  std::int64_t samples = 0;
  std::int64_t rows = 0;  ///< of each sample
  std::int64_t width = 0;
};

/// A branch of the samples that it was computed for: y = x + factor * scale * (branch + bias).
template <typename T>
struct KernelBranch {
  T* values = nullptr;                   ///< (kept samples, R, width); null: no branch
  const float* bias = nullptr;           ///< (width) or null
  const float* scale = nullptr;          ///< (width) or null
  const float* factors = nullptr;        ///< (kept samples) or null: 1
  const std::int64_t* places = nullptr;  ///< (N) where each sample is in `values`, or -1; null: all are kept
};

/// The normalised values of those samples that need them: h = weight * (y - mean) * inverse + bias.
template <typename T>
struct KernelNorm {
  T* values = nullptr;  ///< (kept samples, R, width); null: no norm
  const float* weight = nullptr;
  const float* bias = nullptr;
  float epsilon = 0;
  float* mean = nullptr;                 ///< (kept samples, R)
  float* inverse = nullptr;              ///< (kept samples, R): 1 / sqrt(variance + epsilon)
  const std::int64_t* places = nullptr;  ///< as those of a branch
};

/// `x` and `y`, which do not overlap, are (N, R, width).
void residual_norm(const float* x, const KernelBranch<float>& branch, float* y, const KernelNorm<float>& norm,
                   const RowShape& shape);
void residual_norm(const float* x, const KernelBranch<Bfloat16>& branch, float* y, const KernelNorm<Bfloat16>& norm,
                   const RowShape& shape);

/// What is added to gradients of vectors of `width` values; null: is not wanted.
struct VectorGradients {
  float* norm_weight = nullptr;
  float* norm_bias = nullptr;
  float* branch_bias = nullptr;
  float* branch_scale = nullptr;
};

/// Gradients of the same: `dx` (N, R, width) from `dy` (that of y, null: 0) and `norm.values`, in which the gradient of
/// h stands; `dbranch` (kept samples, R, width) as branch.values, null: is not wanted.
void residual_norm_backward(const float* y, const float* dy, const KernelNorm<float>& norm,
                            const KernelBranch<float>& branch, float* dx, float* dbranch,
                            const VectorGradients& gradients, const RowShape& shape);
void residual_norm_backward(const float* y, const float* dy, const KernelNorm<Bfloat16>& norm,
                            const KernelBranch<Bfloat16>& branch, float* dx, Bfloat16* dbranch,
                            const VectorGradients& gradients, const RowShape& shape);

}  // namespace incubate::cpu
