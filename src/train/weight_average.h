#pragma once

#include <cstdint>

#include <torch/types.h>

#include "config/run_config.h"

namespace incubate {

/// Returns the decay of the average of the weights in step `step` (from 0): ema_decay, as in timm's ModelEmaV2, or a
/// ramp up to it.
double average_decay(const PhaseConfig& phase, std::int64_t step);
/// Returns the part that the first weights have in the average after `steps` steps, exactly where it is above 1e-6.
double share_of_first_weights(const PhaseConfig& phase, std::int64_t steps);

/// An exponential moving average e of the weights w (Polyak and Juditsky, SIAM J. Control Optim. 30, 1992): with decay
/// d, e = d e + (1 - d) w after every step.
class WeightAverage {
 public:
  /// Starts as `weights`, the first weights.
  explicit WeightAverage(const torch::Tensor& weights);

  /// Must be called after every step. Does nothing if `is_bad`, one float on the device, is 1.
  void update(const torch::Tensor& weights, const torch::Tensor& is_bad, double decay);
  /// Exchanges the average and `weights`, bit for bit. The model with the parameters `weights` then computes with the
  /// average, until the next exchange.
  void swap_with(torch::Tensor& weights);

  torch::Tensor& values() { return values_; }

 private:
  torch::Tensor values_;
};

}  // namespace incubate
