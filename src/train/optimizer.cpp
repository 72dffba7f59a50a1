#include "train/optimizer.h"

#include <torch/torch.h>

namespace incubate {

AdamW::AdamW(FlatParameters& parameters, const OptimizerConfig& config, double weight_decay)
    : config_(config),
      exp_avg_(torch::zeros_like(parameters.gradients())),
      exp_avg_sq_(torch::zeros_like(parameters.gradients())),
      step_(torch::zeros({}, torch::device(parameters.values().device()))) {
  for (const bool decays : {true, false}) {
    Parts parts;
    parts.weight_decay = decays ? weight_decay : 0;
    for (const Segment& segment : parameters.segments()) {
      if (segment.decays != decays) continue;
      const std::int64_t size = segment.end - segment.begin;
      parts.values.push_back(parameters.values().narrow(0, segment.begin, size));
      parts.gradients.push_back(parameters.gradients().narrow(0, segment.begin, size));
      parts.exp_avgs.push_back(exp_avg_.narrow(0, segment.begin, size));
      parts.exp_avg_sqs.push_back(exp_avg_sq_.narrow(0, segment.begin, size));
      parts.steps.push_back(step_);
    }
    if (!parts.values.empty()) parts_.push_back(std::move(parts));
  }
}

void AdamW::update(std::int64_t step, double learning_rate) {
  const torch::NoGradGuard no_grad;
  step_.fill_(static_cast<double>(step + 1));
  for (Parts& p : parts_) {
    at::_fused_adamw_(p.values, p.gradients, p.exp_avgs, p.exp_avg_sqs, {}, p.steps, learning_rate, config_.beta1,
                      config_.beta2, p.weight_decay, config_.epsilon, /*amsgrad=*/false, /*maximize=*/false);
  }
}

double clip_norm(torch::Tensor& gradients, double max_norm) {
  const auto norm = gradients.norm().item<double>();
  if (max_norm > 0 && norm > max_norm) gradients.mul_(max_norm / norm);
  return norm;
}

}  // namespace incubate
