#include "model/staged_model.h"

#include <algorithm>
#include <numeric>

#include <torch/torch.h>

namespace incubate {

StagedModel::StagedModel(const ModelSpec& spec) : spec_(spec), is_learning_(spec.num_stages(), true) {
  for (std::int64_t i = 0; i < num_stages(); ++i) stages_.push_back(make_stage(spec, i));
}

void StagedModel::set_learning(const std::vector<bool>& is_learning) {
  is_learning_ = is_learning;
  for (std::int64_t i = 0; i < num_stages(); ++i) {
    for (torch::Tensor& parameter : stages_[i]->parameters()) parameter.set_requires_grad(is_learning_[i]);
  }
}

void StagedModel::to(torch::Device device) {
  for (const std::shared_ptr<Stage>& stage : stages_) stage->to(device);
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
}

void StagedModel::train() {
  for (const std::shared_ptr<Stage>& stage : stages_) stage->train();
}

std::int64_t StagedModel::first_learning() const {
  return std::ranges::find(is_learning_, true) - is_learning_.begin();
}

void StagedModel::share_stage(std::int64_t index, const StagedModel& other) {
  TORCH_INTERNAL_ASSERT(!is_learning_[index] && !other.is_learning_[index]);
  TORCH_INTERNAL_ASSERT(spec_.depths[index] == other.spec_.depths[index]);
  stages_[index] = other.stages_[index];
}

torch::Tensor StagedModel::forward(const torch::Tensor& images, KeptBranches kept) {
  return forward_from(0, images, kept);
}

torch::Tensor StagedModel::forward_from(std::int64_t first, torch::Tensor x, KeptBranches kept) {
  for (std::int64_t i = first; i < num_stages(); ++i) x = forward_stage(i, x, kept);
  return x;
}

std::vector<torch::Tensor> StagedModel::stage_outputs(const torch::Tensor& images, KeptBranches kept) {
  std::vector<torch::Tensor> outputs;
  for (std::int64_t i = 0; i < num_stages(); ++i) {
    outputs.push_back(forward_stage(i, i == 0 ? images : outputs.back(), kept));
  }
  return outputs;
}

torch::Tensor StagedModel::forward_stage(std::int64_t index, const torch::Tensor& x, KeptBranches kept) {
  const torch::AutoGradMode with_graph(torch::GradMode::is_enabled() && index >= first_learning());
  const std::int64_t first_block = std::accumulate(spec_.depths.begin(), spec_.depths.begin() + index, std::int64_t{0});
  return stages_[index]->forward(x, branches_of(kept, first_block, spec_.depths[index]));
}

}  // namespace incubate
