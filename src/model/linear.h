#pragma once

#include <cstdint>

#include <torch/nn/module.h>

#include "config/run_config.h"

namespace incubate {

/// A linear layer, of which product and bias are had apart (see ops/linear_product.h). With Precision::bf16 it computes
/// with a copy of its weight, which update_copy() makes.
class Linear : public torch::nn::Module {
 public:
  Linear(std::int64_t in_width, std::int64_t width, bool has_bias, Precision precision);

  /// x W^T: (..., in) to (..., out), in the type of `x`: that of the precision.
  torch::Tensor product(const torch::Tensor& x) const;
  const torch::Tensor& weight() const { return weight_; }
  /// (out), undefined without one.
  const torch::Tensor& bias() const { return bias_; }
  /// To be called whenever the weight has changed.
  void update_copy();

 private:
  Precision precision_;
  torch::Tensor weight_;  // (out, in)
  torch::Tensor bias_;
  torch::Tensor copy_;  // of the weight, bfloat16
};

}  // namespace incubate
