#pragma once

#include <cstdint>
#include <vector>

#include <torch/types.h>

#include "config/run_config.h"
#include "train/flat_parameters.h"

namespace incubate {

/// AdamW (Loshchilov and Hutter, ICLR 2019) on the flat buffers, by ATen's fused kernel.
class AdamW {
 public:
  AdamW(FlatParameters& parameters, const OptimizerConfig& config, double weight_decay);

  /// One update from `parameters.gradients()`. `step` counts from 0.
  void update(std::int64_t step, double learning_rate);

  torch::Tensor& exp_avg() { return exp_avg_; }
  torch::Tensor& exp_avg_sq() { return exp_avg_sq_; }

 private:
  /// The parts of the buffers with and without weight decay.
  struct Parts {
    std::vector<torch::Tensor> values, gradients, exp_avgs, exp_avg_sqs, steps;
    double weight_decay = 0;
  };

  OptimizerConfig config_;
  torch::Tensor exp_avg_;
  torch::Tensor exp_avg_sq_;
  torch::Tensor step_;
  std::vector<Parts> parts_;
};

/// Scales `gradients` so that their L2 norm is at most `max_norm` (0: leaves them) and returns the norm before.
double clip_norm(torch::Tensor& gradients, double max_norm);

}  // namespace incubate
