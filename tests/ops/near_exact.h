#pragma once

#include <gtest/gtest.h>
#include <torch/torch.h>

namespace incubate {

/// Compares with the same operation in double precision: the largest difference, in units of the largest value.
inline void expect_near_exact(const torch::Tensor& tensor, const torch::Tensor& exact, double tolerance) {
  ASSERT_EQ(tensor.sizes(), exact.sizes());
  const torch::Tensor difference = (tensor.to(torch::kFloat64) - exact).abs();
  EXPECT_LE((difference.max() / exact.abs().max()).item<double>(), tolerance);
}

/// Returns a tolerance for a sum of some dozens of products in fp32, or several successive bfloat16 roundings.
inline double tolerance_of(at::ScalarType type) { return type == torch::kFloat32 ? 2e-6 : 0.02; }

/// A leaf with a gradient, in the type and, with the same values, in double.
struct Leaves {
  Leaves(const torch::Tensor& values, at::ScalarType type)
      : tensor(values.to(type).detach().requires_grad_()),
        exact(tensor.detach().to(torch::kFloat64).requires_grad_()) {}
  void expect_same_gradient(at::ScalarType type) const {
    expect_near_exact(tensor.grad(), exact.grad(), tolerance_of(type));
  }
  torch::Tensor tensor, exact;
};

}  // namespace incubate
