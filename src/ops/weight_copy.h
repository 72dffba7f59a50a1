#pragma once

#include <ATen/core/ivalue.h>
#include <torch/types.h>

namespace incubate {

/// A weight (out, in) in bfloat16, as products take it fastest: where CpuOps has an order of its own, in that, which is
/// made when it is first needed.
class WeightCopy : public torch::CustomClassHolder {
 public:
  /// To be called whenever the weight, (out, in) in fp32, has changed.
  void update(const torch::Tensor& weight);
  bool is_defined() const { return values_.defined(); }

  /// x W^T: (rows, in) to (rows, out), in bfloat16.
  torch::Tensor product(const torch::Tensor& x);
  /// g W: (rows, out) to (rows, in), in bfloat16.
  torch::Tensor transposed_product(const torch::Tensor& gradient);

 private:
  torch::Tensor values_;
  torch::Tensor packed_;             // undefined until needed
  torch::Tensor packed_transposed_;  // undefined until needed
};

}  // namespace incubate
