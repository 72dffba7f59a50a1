#pragma once

#include <cstdint>

#include <torch/nn/module.h>

#include "config/run_config.h"
#include "ops/weight_copy.h"

namespace incubate {

/// Returns an empty copy for bf16, null for fp32.
c10::intrusive_ptr<WeightCopy> make_copy(Precision precision);

/// A linear layer that gives product and bias separately (see ops/linear_product.h). With Precision::bf16 it computes
/// with a copy of its weight, which update_copy() makes.
class Linear : public torch::nn::Module {
 public:
  Linear(std::int64_t in_width, std::int64_t width, bool has_bias, Precision precision);

  /// Returns x W^T, (..., in) to (..., out). REQUIRES: `x` has the type of the precision; the result has it too.
  torch::Tensor product(const torch::Tensor& x) const;
  const torch::Tensor& weight() const { return weight_; }
  /// Returns (out), or undefined if the layer has no bias.
  const torch::Tensor& bias() const { return bias_; }
  /// Updates the copy. Must be called after every change of the weight.
  void update_copy();

 private:
  torch::Tensor weight_;  // (out, in)
  torch::Tensor bias_;
  c10::intrusive_ptr<WeightCopy> copy_;  // null: computes with the weight itself
};

}  // namespace incubate
