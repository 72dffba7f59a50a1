#pragma once

#include "ops/cpu_ops.h"

namespace incubate::cpu {

// CpuOps documents each function.

torch::Tensor attention(const torch::Tensor& qkv, const torch::Tensor& bias, std::int64_t heads,
                        std::int64_t num_queries);
torch::Tensor bias_gelu(const torch::Tensor& x, const torch::Tensor& bias);
Normalised residual_norm(const Residual& residual, const NormParameters& norm, const KeptSamples& kept,
                         at::ScalarType type);
torch::Tensor residual_sum(const Residual& residual);
torch::Tensor pack_weight(const torch::Tensor& weight);
torch::Tensor packed_product(const torch::Tensor& x, const torch::Tensor& packed);
bool add_weight_gradient(const torch::Tensor& gradient, const torch::Tensor& x, torch::Tensor& sum);

}  // namespace incubate::cpu
