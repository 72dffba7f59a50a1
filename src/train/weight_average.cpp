#include "train/weight_average.h"

#include <algorithm>
#include <cmath>

#include <torch/torch.h>

namespace incubate {

double average_decay(const PhaseConfig& phase, std::int64_t step) {
  const auto t = static_cast<double>(step);
  return phase.ema_ramp ? std::min(phase.ema_decay, (1 + t) / (10 + t)) : phase.ema_decay;
}

double share_of_first_weights(const PhaseConfig& phase, std::int64_t steps) {
  double share = 1;
  std::int64_t step = 0;
  for (; step < steps && share > 1e-6 && average_decay(phase, step) < phase.ema_decay; ++step) {
    share *= average_decay(phase, step);
  }
  return share * std::pow(phase.ema_decay, steps - step);
}

WeightAverage::WeightAverage(const torch::Tensor& weights) : values_(weights.clone()) {}

void WeightAverage::update(const torch::Tensor& weights, const torch::Tensor& is_bad, double decay) {
  const torch::NoGradGuard no_grad;
  values_.lerp_(weights, (1 - is_bad) * (1 - decay));
}

void WeightAverage::swap_with(torch::Tensor& weights) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor copy = weights.clone();
  weights.copy_(values_);
  values_.copy_(copy);
}

}  // namespace incubate
