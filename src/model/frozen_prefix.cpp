#include "model/frozen_prefix.h"

#include <utility>

#include <torch/torch.h>

namespace incubate {

FrozenPrefix::FrozenPrefix(torch::Tensor images, torch::Tensor branch_scales)
    : images_(std::move(images)), branch_scales_(std::move(branch_scales)) {}

torch::Tensor FrozenPrefix::input_of(StagedModel& model) {
  torch::Tensor x = images_;
  bool is_shared = true;
  for (std::int64_t i = 0; i < model.first_learning(); ++i) {
    const bool is_known = i < static_cast<std::int64_t>(chain_.size());
    is_shared = is_shared && (!is_known || chain_[i].stage == &model.stage(i));
    if (is_shared && is_known) {
      x = chain_[i].output;
      continue;
    }
    x = model.forward_stage(i, x, branch_scales_);
    if (is_shared) chain_.push_back({&model.stage(i), x});
  }
  return x;
}

}  // namespace incubate
