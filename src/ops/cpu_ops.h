#pragma once

#include <cstdint>

#include <torch/types.h>

#include "ops/kept_samples.h"
#include "ops/residual_norm.h"

namespace incubate {

/// The operations that have CPU kernels of this program. Each one computes, with gradients, the operation of the same
/// name in ops/; exceptions are stated.
struct CpuOps {
  torch::Tensor (*attention)(const torch::Tensor& qkv, const torch::Tensor& bias, std::int64_t heads,
                             std::int64_t num_queries);
  torch::Tensor (*bias_gelu)(const torch::Tensor& x, const torch::Tensor& bias);
  Normalised (*residual_norm)(const Residual& residual, const NormParameters& norm, const KeptSamples& kept,
                              at::ScalarType type);
  torch::Tensor (*residual_sum)(const Residual& residual);  ///< REQUIRES: there is a branch
  /// Returns a weight (out, in) in the order of packed_product(), or undefined if at::mm() is as fast. REQUIRES: the
  /// weight is in bfloat16 and contiguous, or the transpose of a contiguous one.
  torch::Tensor (*pack_weight)(const torch::Tensor& weight);
  /// Returns x W^T, (rows, in) to (rows, out), without a gradient.
  torch::Tensor (*packed_product)(const torch::Tensor& x, const torch::Tensor& packed);
  /// Adds gradient^T x to `sum` (out, in) and returns true, or returns false if at::mm() is as fast. `gradient` is
  /// (rows, out), `x` is (rows, in), `sum` is contiguous and fp32.
  bool (*add_weight_gradient)(const torch::Tensor& gradient, const torch::Tensor& x, torch::Tensor& sum);
};

/// Returns the operations for tensors like `x`, or null if ATen computes. cpu/ defines this function. It always returns
/// null on a GPU and in a build with INCUBATE_CPU_KERNELS=OFF.
const CpuOps* cpu_ops_for(const torch::Tensor& x);

}  // namespace incubate
