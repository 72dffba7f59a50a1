#pragma once

#include <cstdint>

#include "cpu/kernels/bfloat16.h"

namespace incubate::cpu {

// Adds a residual branch and normalises the sum for the next branch (Ba et al., "Layer normalization", 2016), each for
// some of the samples. Shapes: N samples of R rows of `width` values. The sum is fp32; branches and normalised values
// are T, float or Bfloat16; arithmetic is in fp32.

struct RowShape {
  std::int64_t samples = 0;
  std::int64_t rows = 0;  ///< of each sample
  std::int64_t width = 0;
};

/// A branch and its samples: y = x + factor * scale * (branch + bias).
template <typename T>
struct KernelBranch {
  T* values = nullptr;                   ///< (kept samples, R, width); null: no branch
  const float* bias = nullptr;           ///< (width) or null
  const float* scale = nullptr;          ///< (width) or null
  const float* factors = nullptr;        ///< (kept samples) or null: 1
  const std::int64_t* places = nullptr;  ///< (N) each sample's index in `values`, or -1; null: all are kept
};

/// The normalised values of some samples: h = weight * (y - mean) * inverse + bias.
template <typename T>
struct KernelNorm {
  T* values = nullptr;  ///< (kept samples, R, width); null: no norm
  const float* weight = nullptr;
  const float* bias = nullptr;
  float epsilon = 0;
  float* mean = nullptr;                 ///< (kept samples, R)
  float* inverse = nullptr;              ///< (kept samples, R): 1 / sqrt(variance + epsilon)
  const std::int64_t* places = nullptr;  ///< as in KernelBranch
};

/// Sets y and the norm's values. REQUIRES: `x` and `y`, (N, R, width), do not overlap.
void residual_norm(const float* x, const KernelBranch<float>& branch, float* y, const KernelNorm<float>& norm,
                   const RowShape& shape);
void residual_norm(const float* x, const KernelBranch<Bfloat16>& branch, float* y, const KernelNorm<Bfloat16>& norm,
                   const RowShape& shape);

/// Gradients of vectors of `width` values, which are added to; null: not needed.
struct VectorGradients {
  float* norm_weight = nullptr;
  float* norm_bias = nullptr;
  float* branch_bias = nullptr;
  float* branch_scale = nullptr;
};

/// Sets the gradients: `dx` (N, R, width) from `dy`, the gradient of y (null: 0), and from the gradient of h in
/// `norm.values`. `dbranch` has the shape of branch.values, (kept samples, R, width); null: not needed.
void residual_norm_backward(const float* y, const float* dy, const KernelNorm<float>& norm,
                            const KernelBranch<float>& branch, float* dx, float* dbranch,
                            const VectorGradients& gradients, const RowShape& shape);
void residual_norm_backward(const float* y, const float* dy, const KernelNorm<Bfloat16>& norm,
                            const KernelBranch<Bfloat16>& branch, float* dx, Bfloat16* dbranch,
                            const VectorGradients& gradients, const RowShape& shape);

}  // namespace incubate::cpu
