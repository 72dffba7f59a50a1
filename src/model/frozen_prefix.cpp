#include "model/frozen_prefix.h"

#include <utility>

#include <torch/torch.h>

namespace incubate {

FrozenPrefix::FrozenPrefix(torch::Tensor images, std::vector<KeptSamples> kept)
    : images_(std::move(images)), kept_(std::move(kept)) {}

Activations FrozenPrefix::input_of(StagedModel& model) {
  Activations activations{images_};
  bool is_shared = true;
  for (std::int64_t i = 0; i < model.first_learning(); ++i) {
    const bool is_known = i < static_cast<std::int64_t>(chain_.size());
    is_shared = is_shared && (!is_known || chain_[i].stage == &model.stage(i));
    if (is_shared && is_known) {
      model.take_output(i, activations, chain_[i].output);
      continue;
    }
    model.forward_stage(i, activations, kept_);
    if (is_shared) chain_.push_back({&model.stage(i), activations.x});
  }
  return activations;
}

}  // namespace incubate
