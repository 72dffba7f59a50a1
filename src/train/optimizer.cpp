#include "train/optimizer.h"

#include <algorithm>
#include <cmath>

#include <torch/torch.h>

namespace incubate {
namespace {

class AdamW : public Optimizer {
 public:
  AdamW(FlatParameters& parameters, const OptimizerConfig& config, const PhaseConfig& recipe)
      : Optimizer(parameters, config, recipe), step_(torch::zeros({}, torch::device(parameters.values().device()))) {}

  void update(std::int64_t step, double learning_rate) override {
    const torch::NoGradGuard no_grad;
    step_.fill_(static_cast<double>(step + 1));
    for (Part& p : parts()) {
      const std::vector<torch::Tensor> steps(p.values.size(), step_);
      at::_fused_adamw_(p.values, p.gradients, p.states[0], p.states[1], {}, steps, learning_rate * p.rate_factor,
                        config().beta1, config().beta2, p.weight_decay, config().epsilon, /*amsgrad=*/false,
                        /*maximize=*/false);
    }
  }

 private:
  torch::Tensor step_;
};

class Sgd : public Optimizer {
 public:
  using Optimizer::Optimizer;

  void update(std::int64_t step, double learning_rate) override {
    const torch::NoGradGuard no_grad;
    for (Part& p : parts()) {
      const std::vector<torch::Tensor> momenta = p.states.empty() ? std::vector<torch::Tensor>() : p.states[0];
      at::_fused_sgd_(p.values, p.gradients, momenta, p.weight_decay, config().momentum, learning_rate * p.rate_factor,
                      /*dampening=*/0, config().nesterov, /*maximize=*/false, /*is_first_step=*/step == 0);
    }
  }
};

}  // namespace

Optimizer::Optimizer(FlatParameters& parameters, const OptimizerConfig& config, const PhaseConfig& recipe)
    : config_(config) {
  for (const std::string& name : list_state_names(config)) {
    state_.push_back({name, torch::zeros_like(parameters.gradients())});
  }
  for (const Segment& segment : parameters.segments()) {
    const auto part_of = [&segment](const torch::Tensor& buffer) {
      return buffer.narrow(0, segment.begin, segment.end - segment.begin);
    };
    Part& part =
        find_part(incubate::rate_factor(segment, recipe.layer_decay), segment.decays ? recipe.weight_decay : 0);
    part.values.push_back(part_of(parameters.values()));
    part.gradients.push_back(part_of(parameters.gradients()));
    for (std::size_t i = 0; i < state_.size(); ++i) part.states[i].push_back(part_of(state_[i].values));
  }
}

Optimizer::Part& Optimizer::find_part(double rate_factor, double weight_decay) {
  const auto found = std::ranges::find_if(
      parts_, [&](const Part& p) { return p.rate_factor == rate_factor && p.weight_decay == weight_decay; });
  if (found != parts_.end()) return *found;
  Part part{.rate_factor = rate_factor, .weight_decay = weight_decay};
  part.states.resize(state_.size());
  return parts_.emplace_back(std::move(part));
}

std::unique_ptr<Optimizer> make_optimizer(FlatParameters& parameters, const OptimizerConfig& config,
                                          const PhaseConfig& recipe) {
  if (config.name == OptimizerName::sgd) return std::make_unique<Sgd>(parameters, config, recipe);
  return std::make_unique<AdamW>(parameters, config, recipe);
}

std::vector<std::string> list_state_names(const OptimizerConfig& config) {
  if (config.name == OptimizerName::adamw) return {"exp_avg", "exp_avg_sq"};
  if (config.momentum > 0) return {"momentum_buffer"};
  return {};
}

double rate_factor(const Segment& segment, double layer_decay) {
  return std::pow(layer_decay, static_cast<double>(segment.layers_behind));
}

double clip_norm(torch::Tensor& gradients, double max_norm) {
  const auto norm = gradients.norm().item<double>();
  if (max_norm > 0 && norm > max_norm) gradients.mul_(max_norm / norm);
  return norm;
}

}  // namespace incubate
