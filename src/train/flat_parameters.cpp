#include "train/flat_parameters.h"

#include <algorithm>
#include <tuple>

#include <torch/torch.h>

namespace incubate {
namespace {

constexpr std::int64_t kFlatAlignment = 64 / sizeof(float);

struct Placed {
  std::int64_t stage;
  ParameterInfo info;
};

std::vector<Placed> learning_parameters(StagedModel& model) {
  std::vector<Placed> parameters;
  for (std::int64_t i = 0; i < model.num_stages(); ++i) {
    if (!model.is_learning()[i]) continue;
    for (const ParameterInfo& info : model.list_parameters(i)) parameters.push_back({i, info});
  }
  std::ranges::stable_sort(parameters, {},
                           [](const Placed& p) { return std::tuple(p.stage, p.info.layer, !p.info.decays); });
  return parameters;
}

/// Returns the number of layers (blocks, head) between the parameter's layer and the output.
std::int64_t layers_behind(StagedModel& model, const Placed& p) {
  std::int64_t from_stage_on = 1;
  for (std::int64_t i = p.stage; i < model.num_stages(); ++i) from_stage_on += model.stage(i).num_blocks();
  return from_stage_on - p.info.layer + (p.info.joins_layer_before ? 1 : 0);
}

struct PlacedStatistic {
  std::int64_t stage;
  StatisticInfo info;
};

std::vector<PlacedStatistic> learning_statistics(StagedModel& model) {
  std::vector<PlacedStatistic> statistics;
  for (std::int64_t i = 0; i < model.num_stages(); ++i) {
    if (!model.is_learning()[i]) continue;
    for (const StatisticInfo& info : model.stage(i).list_statistics()) statistics.push_back({i, info});
  }
  return statistics;
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
  const std::vector<PlacedStatistic> statistics = learning_statistics(model);
  std::int64_t size = 0;
  const auto place = [&](std::int64_t stage, const std::string& name, const torch::Tensor& tensor) {
    views_.push_back({stage, name, size, tensor.sizes().vec()});
    size += (tensor.numel() + kFlatAlignment - 1) / kFlatAlignment * kFlatAlignment;
  };
  for (const Placed& p : parameters) {
    const std::int64_t behind = layers_behind(model, p);
    const bool continues =
        !segments_.empty() && segments_.back().decays == p.info.decays && segments_.back().layers_behind == behind;
    if (!continues) segments_.push_back({size, size, p.info.decays, behind});
    place(p.stage, p.info.name, p.info.tensor);
    segments_.back().end = size;
  }
  num_parameter_views_ = views_.size();
  const std::int64_t parameters_end = size;
  for (const PlacedStatistic& s : statistics) place(s.stage, s.info.name, s.info.running);
  values_ = torch::zeros({size}, torch::device(device));
  addends_ = torch::zeros({size}, torch::device(device));
  running_statistics_ = values_.narrow(0, parameters_end, size - parameters_end);
  gradients_ = addends_.narrow(0, 0, parameters_end);
  batch_statistics_ = addends_.narrow(0, parameters_end, size - parameters_end);

  const auto move = [](torch::Tensor tensor, const torch::Tensor& view) {
    view.copy_(tensor);
    tensor.set_data(view);
  };
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    torch::Tensor parameter = parameters[i].info.tensor;
    move(parameter, views_[i].of(values_));
    parameter.mutable_grad() = views_[i].of(gradients_);
    parameters_.push_back(parameter);
  }
  for (std::size_t i = 0; i < statistics.size(); ++i) {
    const FlatView& view = views_[num_parameter_views_ + i];
    move(statistics[i].info.running, view.of(values_));
    move(statistics[i].info.batch, view.of(addends_));
  }
}

}  // namespace incubate
