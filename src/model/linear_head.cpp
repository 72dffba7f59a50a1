#include "model/linear_head.h"

#include <cmath>
#include <string>

#include <torch/torch.h>

#include "model/initialisation.h"
#include "model/stage_cost.h"

namespace incubate {
namespace {

std::int64_t width_of(const ModelSpec& spec) { return spec.family == Family::vit ? spec.width : spec.widths.back(); }

}  // namespace

LinearHead::LinearHead(const ModelSpec& spec) : family_(spec.family), linear_(width_of(spec), spec.classes) {
  register_module(family_ == Family::vit ? "head" : "fc", linear_);
}

std::vector<ParameterInfo> LinearHead::list_parameters() {
  std::vector<ParameterInfo> list;
  for (auto& item : named_parameters()) list.push_back({item.key(), item.value(), 0, item.value().dim() >= 2});
  return list;
}

void LinearHead::initialise(std::uint64_t seed, Phase phase, std::int64_t last_stage) {
  const torch::NoGradGuard no_grad;
  for (ParameterInfo& parameter : list_parameters()) {
    const Generator generator = parameter_generator(seed, phase, last_stage, parameter.name);
    if (family_ == Family::resnet) {
      fill_uniform(parameter.tensor, 1 / std::sqrt(static_cast<double>(linear_->options.in_features())), generator);
    } else if (parameter.tensor.dim() == 1) {
      parameter.tensor.zero_();
    } else {
      fill_truncated_normal(parameter.tensor, generator);
    }
  }
}

HeadCost linear_head_cost(const ModelSpec& spec) {
  const std::int64_t width = width_of(spec);
  const std::int64_t logits_bytes = 2 * kFloatBytes * spec.classes;
  return {.num_parameters = (width + 1) * spec.classes,
          .kept_bytes = (kFloatBytes * width) + logits_bytes,
          .frozen_kept_bytes = logits_bytes};
}

}  // namespace incubate
