#pragma once

#include <cstdint>

#include <torch/types.h>

#include "ops/kept_samples.h"
#include "ops/residual_norm.h"

namespace incubate {

/// The operations that this program has kernels of its own for, on the CPU. Each does, with gradients, what ops/
/// declares under the same name, where nothing else is said.
struct CpuOps {
  torch::Tensor (*attention)(const torch::Tensor& qkv, const torch::Tensor& bias, std::int64_t heads,
                             std::int64_t num_queries);
  torch::Tensor (*bias_gelu)(const torch::Tensor& x, const torch::Tensor& bias);
  Normalised (*residual_norm)(const Residual& residual, const NormParameters& norm, const KeptSamples& kept,
                              at::ScalarType type);
  torch::Tensor (*residual_sum)(const Residual& residual);  ///< REQUIRES: there is a branch
  /// Returns a weight (out, in) in bfloat16, contiguous or the transpose of such a one, in the order in which
  /// packed_product() takes it; undefined: at::mm() is as fast.
  torch::Tensor (*pack_weight)(const torch::Tensor& weight);
  /// Returns x W^T, (rows, in) to (rows, out), without a gradient.
  torch::Tensor (*packed_product)(const torch::Tensor& x, const torch::Tensor& packed);
  /// Adds gradient^T x, of (rows, out) and (rows, in), to `sum` (out, in), contiguous in fp32, and returns true; or
  /// returns false: at::mm() is as fast.
  bool (*add_weight_gradient)(const torch::Tensor& gradient, const torch::Tensor& x, torch::Tensor& sum);
};

/// Returns the operations for tensors like `x`; null: ATen computes. cpu/ defines it; it is always null on a GPU, and
/// in a build with INCUBATE_CPU_KERNELS=OFF.
const CpuOps* cpu_ops_for(const torch::Tensor& x);

}  // namespace incubate
