#include "train/flat_parameters.h"

#include <algorithm>
#include <tuple>

#include <torch/torch.h>

namespace incubate {
namespace {

constexpr std::int64_t kAlignment = 64 / sizeof(float);

struct Placed {
  std::int64_t stage;
  ParameterInfo info;
};

std::vector<Placed> learning_parameters(StagedModel& model) {
  std::vector<Placed> parameters;
  for (std::int64_t i = 0; i < model.num_stages(); ++i) {
    if (!model.is_learning()[i]) continue;
    for (const ParameterInfo& info : model.stage(i).list_parameters()) parameters.push_back({i, info});
  }
  std::ranges::stable_sort(parameters, {},
                           [](const Placed& p) { return std::tuple(p.stage, p.info.layer, !p.info.decays); });
  return parameters;
}

/// The model's blocks from the parameter's stage on and the head are layers, of which some stand before its own.
std::int64_t layers_behind(StagedModel& model, const Placed& p) {
  std::int64_t from_stage_on = 1;
  for (std::int64_t i = p.stage; i < model.num_stages(); ++i) from_stage_on += model.stage(i).num_blocks();
  return from_stage_on - p.info.layer + (p.info.joins_layer_before ? 1 : 0);
}

}  // namespace

torch::Tensor FlatView::of(const torch::Tensor& buffer) const {
  std::int64_t size = 1;
  for (const std::int64_t extent : shape) size *= extent;
  return buffer.narrow(0, offset, size).view(shape);
}

FlatParameters::FlatParameters(StagedModel& model, torch::Device device) {
  const torch::NoGradGuard no_grad;
  const std::vector<Placed> parameters = learning_parameters(model);
  std::int64_t size = 0;
  for (const Placed& p : parameters) {
    const std::int64_t behind = layers_behind(model, p);
    const bool continues =
        !segments_.empty() && segments_.back().decays == p.info.decays && segments_.back().layers_behind == behind;
    if (!continues) segments_.push_back({size, size, p.info.decays, behind});
    views_.push_back({p.stage, p.info.name, size, p.info.tensor.sizes().vec()});
    size += (p.info.tensor.numel() + kAlignment - 1) / kAlignment * kAlignment;
    segments_.back().end = size;
  }
  values_ = torch::zeros({size}, torch::device(device));
  gradients_ = torch::zeros({size}, torch::device(device));
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    torch::Tensor parameter = parameters[i].info.tensor;
    const torch::Tensor view = views_[i].of(values_);
    view.copy_(parameter);
    parameter.set_data(view);
    parameter.mutable_grad() = views_[i].of(gradients_);
  }
}

}  // namespace incubate
