#include "model/staged_model.h"

#include <algorithm>

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

std::int64_t StagedModel::first_learning() const {
  return std::ranges::find(is_learning_, true) - is_learning_.begin();
}

torch::Tensor StagedModel::forward(const torch::Tensor& images, const torch::Tensor& branch_scales) {
  return stage_outputs(images, branch_scales).back();
}

std::vector<torch::Tensor> StagedModel::stage_outputs(const torch::Tensor& images, const torch::Tensor& branch_scales) {
  std::vector<torch::Tensor> outputs;
  torch::Tensor x = images;
  std::int64_t first_block = 0;
  for (std::int64_t i = 0; i < num_stages(); ++i) {
    const torch::AutoGradMode with_graph(torch::GradMode::is_enabled() && i >= first_learning());
    const std::int64_t num_blocks = stages_[i]->num_blocks();
    x = stages_[i]->forward(
        x, branch_scales.defined() ? branch_scales.narrow(0, first_block, num_blocks) : torch::Tensor());
    first_block += num_blocks;
    outputs.push_back(x);
  }
  return outputs;
}

}  // namespace incubate
