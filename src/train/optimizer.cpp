#include "train/optimizer.h"

#include <algorithm>
#include <cmath>

#include <torch/torch.h>

namespace incubate {
namespace {

class AdamW : public Optimizer {
 public:
  using Optimizer::Optimizer;

 private:
  void update_part(Part& p, double learning_rate, const OptionalTensor& gradient_divisor,
                   const torch::Tensor& is_bad) override {
    const std::vector<torch::Tensor> steps(p.values.size(), num_updates());
    at::_fused_adamw_(p.values, p.gradients, p.states[0], p.states[1], {}, steps, learning_rate, config().beta1,
                      config().beta2, p.weight_decay, config().epsilon, /*amsgrad=*/false, /*maximize=*/false,
                      gradient_divisor, is_bad);
  }
};

class Sgd : public Optimizer {
 public:
  using Optimizer::Optimizer;

 private:
  void update_part(Part& p, double learning_rate, const OptionalTensor& gradient_divisor,
                   const torch::Tensor& is_bad) override {
    const std::vector<torch::Tensor> momenta = p.states.empty() ? std::vector<torch::Tensor>() : p.states[0];
    // In the first step the momentum of 0 becomes the gradient in either case.
    at::_fused_sgd_(p.values, p.gradients, momenta, p.weight_decay, config().momentum, learning_rate,
                    /*dampening=*/0, config().nesterov, /*maximize=*/false, /*is_first_step=*/false, gradient_divisor,
                    is_bad);
  }
};

}  // namespace

Optimizer::Optimizer(FlatParameters& parameters, Share own, const OptimizerConfig& config, const PhaseConfig& recipe)
    : config_(config), num_updates_(torch::zeros({}, torch::device(parameters.values().device()))) {
  for (const std::string& name : list_state_names(config)) {
    state_.push_back({name, torch::zeros({own.size()}, parameters.gradients().options())});
  }
  for (const Segment& segment : parameters.segments()) {
    const Share range = {std::max(segment.begin, own.begin), std::min(segment.end, own.end)};
    if (range.size() <= 0) continue;
    const auto part_of = [&range](const torch::Tensor& buffer) { return buffer.narrow(0, range.begin, range.size()); };
    Part& part =
        find_part(incubate::rate_factor(segment, recipe.layer_decay), segment.decays ? recipe.weight_decay : 0);
    part.values.push_back(part_of(parameters.values()));
    part.gradients.push_back(part_of(parameters.gradients()));
    for (std::size_t i = 0; i < state_.size(); ++i) {
      part.states[i].push_back(state_[i].values.narrow(0, range.begin - own.begin, range.size()));
    }
  }
}

void Optimizer::update(double learning_rate, const torch::Tensor& gradient_divisor, const torch::Tensor& is_bad) {
  const torch::NoGradGuard no_grad;
  num_updates_.add_(1 - is_bad);
  const OptionalTensor divisor = gradient_divisor.defined() ? OptionalTensor(gradient_divisor) : std::nullopt;
  for (Part& part : parts_) update_part(part, learning_rate * part.rate_factor, divisor, is_bad);
}

Optimizer::Part& Optimizer::find_part(double rate_factor, double weight_decay) {
  const auto found = std::ranges::find_if(
      parts_, [&](const Part& p) { return p.rate_factor == rate_factor && p.weight_decay == weight_decay; });
  if (found != parts_.end()) return *found;
  Part part{.rate_factor = rate_factor, .weight_decay = weight_decay};
  part.states.resize(state_.size());
  return parts_.emplace_back(std::move(part));
}

std::unique_ptr<Optimizer> make_optimizer(FlatParameters& parameters, Share own, const OptimizerConfig& config,
                                          const PhaseConfig& recipe) {
  if (config.name == OptimizerName::sgd) return std::make_unique<Sgd>(parameters, own, config, recipe);
  return std::make_unique<AdamW>(parameters, own, config, recipe);
}

std::vector<std::string> list_state_names(const OptimizerConfig& config) {
  if (config.name == OptimizerName::adamw) return {"exp_avg", "exp_avg_sq"};
  if (config.momentum > 0) return {"momentum_buffer"};
  return {};
}

double rate_factor(const Segment& segment, double layer_decay) {
  return std::pow(layer_decay, static_cast<double>(segment.layers_behind));
}

}  // namespace incubate
