#pragma once

#include <memory>
#include <vector>

#include <torch/nn/modules/conv.h>

#include "model/batch_norm.h"
#include "model/resnet_plan.h"
#include "model/stage.h"

namespace incubate {

/// A basic block: relu(shortcut(x) + s norm(conv(relu(norm(conv(x)))))), with two 3x3 convolutions without bias. The
/// shortcut has no parameters: a stride takes every second pixel and appends channels of zeros (He et al., "Deep
/// residual learning for image recognition", CVPR 2016, option A).
class ResidualBlock : public torch::nn::Module {
 public:
  ResidualBlock(const ResidualBlockSpec& block, double norm_eps, Recompute recompute);
  /// Returns the output. `kept` has two branches; the first one holds the factor s of each sample.
  torch::Tensor forward(const torch::Tensor& x_BCHW, KeptBranches kept);

 private:
  /// `factors` is (batch, 1, 1, 1), or undefined for 1.
  torch::Tensor compute(const torch::Tensor& x_BCHW, const torch::Tensor& factors);
  torch::Tensor shortcut(const torch::Tensor& x_BCHW) const;

  ResidualBlockSpec block_;
  Recompute recompute_;
  torch::nn::Conv2d conv1_;
  std::shared_ptr<BatchNorm> bn1_;
  torch::nn::Conv2d conv2_;
  std::shared_ptr<BatchNorm> bn2_;
};

/// A piece of a residual network for small images (He et al., CVPR 2016, section 4.2): some of its blocks. The first
/// stage also owns a 3x3 convolution with its norm. Parts outside blocks have torchvision's names.
class ResnetStage : public Stage {
 public:
  ResnetStage(const ModelSpec& spec, std::int64_t stage_index);

  torch::Tensor forward(const torch::Tensor& input, KeptBranches kept) override;
  torch::Tensor summarise(const torch::Tensor& output) override { return output.mean({2, 3}); }
  torch::Tensor map_of(const torch::Tensor& output) const override { return output; }
  std::int64_t num_blocks() const override { return static_cast<std::int64_t>(blocks_.size()); }
  std::vector<ParameterInfo> list_parameters() override;
  std::vector<StatisticInfo> list_statistics() override;
  std::vector<std::int64_t> list_block_kinds() const override;
  std::vector<std::string> list_branch_ends() const override;
  void initialise(std::uint64_t seed, Phase phase, std::int64_t stage_index) override;

 private:
  std::vector<ResidualBlockSpec> plan_;
  torch::nn::Conv2d conv1_{nullptr};
  std::shared_ptr<BatchNorm> bn1_;
  std::vector<std::shared_ptr<ResidualBlock>> blocks_;
};

}  // namespace incubate
