#include "train/weight_average.h"

#include <torch/torch.h>

namespace incubate {

WeightAverage::WeightAverage(const torch::Tensor& weights, double decay) : decay_(decay), values_(weights.clone()) {}

void WeightAverage::update(const torch::Tensor& weights, const torch::Tensor& is_bad) {
  const torch::NoGradGuard no_grad;
  values_.lerp_(weights, (1 - is_bad) * (1 - decay_));
}

void WeightAverage::swap_with(torch::Tensor& weights) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor copy = weights.clone();
  weights.copy_(values_);
  values_.copy_(copy);
}

}  // namespace incubate
