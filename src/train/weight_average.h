#pragma once

#include <torch/types.h>

namespace incubate {

/// An exponential moving average e of the weights w (Polyak and Juditsky, SIAM J. Control Optim. 30, 1992). With decay
/// d, e = d e + (1 - d) w after every step. d is constant from the first step on, as in timm's ModelEmaV2.
class WeightAverage {
 public:
  /// Starts as `weights`, the first weights.
  WeightAverage(const torch::Tensor& weights, double decay);

  /// Must be called after every step. Does nothing if `is_bad`, one float on the device, is 1.
  void update(const torch::Tensor& weights, const torch::Tensor& is_bad);
  /// Exchanges the average and `weights`, bit for bit. The model with the parameters `weights` then computes with the
  /// average, until the next exchange.
  void swap_with(torch::Tensor& weights);

  torch::Tensor& values() { return values_; }

 private:
  double decay_;
  torch::Tensor values_;
};

}  // namespace incubate
