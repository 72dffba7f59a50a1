#pragma once

#include <ATen/core/ivalue.h>
#include <torch/types.h>

namespace incubate {

/// A copy of a weight (out, in) in bfloat16 for fast products. Where CpuOps has its own order, the copy is packed in
/// that order at first use.
class WeightCopy : public torch::CustomClassHolder {
 public:
  /// Copies the weight, (out, in) in fp32. Must be called after every change of the weight.
  void update(const torch::Tensor& weight);
  bool is_defined() const { return values_.defined(); }

  /// Returns x W^T, (rows, in) to (rows, out), in bfloat16.
  torch::Tensor product(const torch::Tensor& x);
  /// Returns g W, (rows, out) to (rows, in), in bfloat16.
  torch::Tensor transposed_product(const torch::Tensor& gradient);

 private:
  torch::Tensor values_;
  torch::Tensor packed_;             // undefined before its first use
  torch::Tensor packed_transposed_;  // undefined before its first use
};

}  // namespace incubate
