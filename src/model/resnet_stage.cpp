#include "model/resnet_stage.h"

#include <cmath>
#include <string>

#include <torch/torch.h>

#include "model/initialisation.h"
#include "ops/recompute.h"

namespace incubate {
namespace {

torch::nn::Conv2d make_conv3x3(std::int64_t in_width, std::int64_t width, std::int64_t stride) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in_width, width, 3).stride(stride).padding(1).bias(false));
}

}  // namespace

ResidualBlock::ResidualBlock(const ResidualBlockSpec& block, double norm_eps, Recompute recompute)
    : block_(block),
      recompute_(recompute),
      conv1_(make_conv3x3(block.in_width, block.width, block.stride)),
      bn1_(std::make_shared<BatchNorm>(block.width, norm_eps)),
      conv2_(make_conv3x3(block.width, block.width, 1)),
      bn2_(std::make_shared<BatchNorm>(block.width, norm_eps)) {
  register_module("conv1", conv1_);
  register_module("bn1", bn1_);
  register_module("conv2", conv2_);
  register_module("bn2", bn2_);
}

torch::Tensor ResidualBlock::shortcut(const torch::Tensor& x_BCHW) const {
  if (block_.stride == 1) return x_BCHW;
  const torch::Tensor pixels =
      x_BCHW.slice(2, 0, block_.in_side, block_.stride).slice(3, 0, block_.in_side, block_.stride);
  return torch::constant_pad_nd(pixels, {0, 0, 0, 0, 0, block_.width - block_.in_width});
}

torch::Tensor ResidualBlock::forward(const torch::Tensor& x_BCHW, KeptBranches kept) {
  const torch::Tensor factors = kept.empty() ? torch::Tensor() : kept[0].factors_of_all.view({-1, 1, 1, 1});
  if (recompute_ == Recompute::none) return compute(x_BCHW, factors);
  // Recomputing leaves the same batch statistics in the norms (see BatchNorm).
  const TensorFunction function = [this, factors](const std::vector<torch::Tensor>& inputs) {
    return std::vector<torch::Tensor>{compute(inputs[0], factors)};
  };
  return recompute(function, {x_BCHW}, conv1_->weight)[0];
}

torch::Tensor ResidualBlock::compute(const torch::Tensor& x_BCHW, const torch::Tensor& factors) {
  torch::Tensor branch_BCHW = bn1_->forward(conv1_(x_BCHW)).relu_();
  branch_BCHW = bn2_->forward(conv2_(branch_BCHW));
  if (!factors.defined()) return (shortcut(x_BCHW) + branch_BCHW).relu_();
  return torch::addcmul(shortcut(x_BCHW), branch_BCHW, factors).relu_();
}

ResnetStage::ResnetStage(const ModelSpec& spec, std::int64_t stage_index)
    : plan_(list_residual_blocks(spec, stage_index)) {
  if (stage_index == 0) {
    conv1_ = register_module("conv1", make_conv3x3(spec.channels, spec.widths.front(), 1));
    bn1_ = register_module("bn1", std::make_shared<BatchNorm>(spec.widths.front(), spec.norm_eps));
  }
  torch::nn::ModuleList blocks;
  for (const ResidualBlockSpec& block : plan_) {
    blocks_.push_back(std::make_shared<ResidualBlock>(block, spec.norm_eps, spec.recompute));
    blocks->push_back(blocks_.back());
  }
  register_module("blocks", blocks);
}

torch::Tensor ResnetStage::forward(const torch::Tensor& input, KeptBranches kept) {
  torch::Tensor x_BCHW = conv1_ ? bn1_->forward(conv1_(input)).relu_() : input;
  for (std::int64_t i = 0; i < num_blocks(); ++i) {
    x_BCHW = blocks_[i]->forward(x_BCHW, branches_of(kept, i, 1));
  }
  return x_BCHW;
}

std::vector<ParameterInfo> ResnetStage::list_parameters() {
  std::vector<ParameterInfo> list;
  for (auto& item : named_parameters()) {
    ParameterInfo info{item.key(), item.value(), 0, item.value().dim() >= 2};
    if (const auto block = block_of(info.name)) info.layer = 1 + *block;
    list.push_back(info);
  }
  return list;
}

std::vector<StatisticInfo> ResnetStage::list_statistics() {
  std::vector<StatisticInfo> list;
  for (const auto& item : named_modules()) {
    auto* norm = item.value()->as<BatchNorm>();
    if (norm == nullptr) continue;
    list.push_back({item.key() + ".running_mean", norm->running_mean(), norm->batch_mean()});
    list.push_back({item.key() + ".running_var", norm->running_var(), norm->batch_var()});
  }
  return list;
}

std::vector<std::int64_t> ResnetStage::list_block_kinds() const {
  std::vector<std::int64_t> groups;
  for (const ResidualBlockSpec& block : plan_) groups.push_back(block.group);
  return groups;
}

std::vector<std::string> ResnetStage::list_branch_ends() const { return {"bn2.weight", "bn2.bias"}; }

void ResnetStage::initialise(std::uint64_t seed, Phase phase, std::int64_t stage_index) {
  const torch::NoGradGuard no_grad;
  for (ParameterInfo& parameter : list_parameters()) {
    const Generator generator = parameter_generator(seed, phase, stage_index, parameter.name);
    torch::Tensor& tensor = parameter.tensor;
    if (tensor.dim() == 4) {
      // He et al., "Delving deep into rectifiers", ICCV 2015, with the fan-out, keeps the size of the gradients.
      fill_normal(tensor, std::sqrt(2 / static_cast<double>(tensor.size(0) * tensor[0][0].numel())), generator);
    } else {
      tensor.fill_(parameter.name.ends_with(".weight") ? 1 : 0);
    }
  }
  for (StatisticInfo& statistic : list_statistics()) {
    statistic.running.fill_(statistic.name.ends_with(".running_var") ? 1 : 0);
  }
}

}  // namespace incubate
