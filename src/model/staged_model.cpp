#include "model/staged_model.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include <torch/torch.h>

namespace incubate {

StagedModel::StagedModel(const ModelSpec& spec, std::shared_ptr<Head> head)
    : spec_(spec), head_(std::move(head)), is_learning_(spec.num_stages(), true) {
  for (std::int64_t i = 0; i < num_stages(); ++i) stages_.push_back(make_stage(spec, i, request()));
}

std::vector<ParameterInfo> StagedModel::list_parameters(std::int64_t stage_index) {
  std::vector<ParameterInfo> list = stages_[stage_index]->list_parameters();
  if (stage_index + 1 < num_stages()) return list;
  for (ParameterInfo& parameter : head_->list_parameters()) {
    parameter.layer += 1 + stages_[stage_index]->num_blocks();
    list.push_back(std::move(parameter));
  }
  return list;
}

std::vector<NamedTensor> StagedModel::list_state(std::int64_t stage_index) {
  std::vector<NamedTensor> state = stages_[stage_index]->list_state();
  if (stage_index + 1 < num_stages()) return state;
  for (NamedTensor& item : head_->list_state()) state.push_back(std::move(item));
  return state;
}

void StagedModel::initialise(std::int64_t stage_index, std::uint64_t seed, Phase phase) {
  stages_[stage_index]->initialise(seed, phase, stage_index);
  if (stage_index + 1 == num_stages()) head_->initialise(seed, phase, stage_index);
}

void StagedModel::set_learning(const std::vector<bool>& is_learning) {
  is_learning_ = is_learning;
  for (std::int64_t i = 0; i < num_stages(); ++i) {
    for (ParameterInfo& parameter : list_parameters(i)) parameter.tensor.set_requires_grad(is_learning_[i]);
  }
}

void StagedModel::to(torch::Device device) {
  for (const std::shared_ptr<Stage>& stage : stages_) stage->to(device);
  head_->to(device);
}

void StagedModel::update_copies() {
  for (const std::shared_ptr<Stage>& stage : stages_) stage->update_copies();
}

void StagedModel::update_learning_copies() {
  for (std::int64_t i = 0; i < num_stages(); ++i) {
    if (is_learning_[i]) stages_[i]->update_copies();
  }
}

void StagedModel::eval() {
  for (const std::shared_ptr<Stage>& stage : stages_) stage->eval();
  head_->eval();
}

void StagedModel::train() {
  for (const std::shared_ptr<Stage>& stage : stages_) stage->train();
  head_->train();
}

std::int64_t StagedModel::first_learning() const {
  return std::ranges::find(is_learning_, true) - is_learning_.begin();
}

void StagedModel::share_stage(std::int64_t index, const StagedModel& other) {
  TORCH_INTERNAL_ASSERT(!is_learning_[index] && !other.is_learning_[index]);
  TORCH_INTERNAL_ASSERT(spec_.depths[index] == other.spec_.depths[index]);
  stages_[index] = other.stages_[index];
  if (index + 1 == num_stages()) head_ = other.head_;
}

torch::Tensor StagedModel::forward(const torch::Tensor& images, KeptBranches kept) {
  return forward_from(0, {images}, kept);
}

torch::Tensor StagedModel::forward_from(std::int64_t first, Activations activations, KeptBranches kept) {
  for (std::int64_t i = first; i < num_stages(); ++i) forward_stage(i, activations, kept);
  Features features{.summary = {}, .maps = std::move(activations.maps)};
  if (request().summary) features.summary = stages_.back()->summarise(activations.x);
  return head_->forward(features);
}

void StagedModel::forward_stage(std::int64_t index, Activations& activations, KeptBranches kept) {
  const torch::AutoGradMode with_graph(torch::GradMode::is_enabled() && index >= first_learning());
  const std::int64_t first_block = std::accumulate(spec_.depths.begin(), spec_.depths.begin() + index, std::int64_t{0});
  const KeptBranches of_stage = branches_of(kept, first_block, spec_.depths[index]);
  take_output(index, activations, stages_[index]->forward(activations.x, of_stage));
}

void StagedModel::take_output(std::int64_t index, Activations& activations, torch::Tensor output) {
  if (std::ranges::count(request().map_stages, index) > 0) activations.maps.push_back(stages_[index]->map_of(output));
  activations.x = std::move(output);
}

}  // namespace incubate
