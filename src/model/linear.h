#pragma once

#include <cstdint>

#include <torch/nn/module.h>

#include "config/run_config.h"
#include "ops/weight_copy.h"

namespace incubate {

/// Null in fp32.
c10::intrusive_ptr<WeightCopy> make_copy(Precision precision);

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
  torch::Tensor weight_;  // (out, in)
  torch::Tensor bias_;
  c10::intrusive_ptr<WeightCopy> copy_;  // null: the weight itself
};

}  // namespace incubate
