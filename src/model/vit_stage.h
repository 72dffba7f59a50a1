#pragma once

#include <memory>
#include <vector>

#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/conv.h>

#include "model/block.h"
#include "model/stage.h"

namespace incubate {

/// Cuts images into patches and projects each to the width: (batch, channels, height, width) to (batch, patches, width)
/// in fp32. With Precision::bf16 the product is in bfloat16.
class PatchEmbedding : public torch::nn::Module {
 public:
  explicit PatchEmbedding(const ModelSpec& spec);
  torch::Tensor forward(const torch::Tensor& images);
  /// Updates the copy. Must be called after every change of the weight.
  void update_copy();

 private:
  torch::nn::Conv2d proj_;               // holds the parameters; forward() is not called
  c10::intrusive_ptr<WeightCopy> copy_;  // of the weight, (width, values of a patch)
};

/// A piece of a vision transformer: some of its blocks. The first stage also owns patch embedding, class token and
/// position embedding, the last one the final norm. Parameters have timm's names within the stage.
class VitStage : public Stage {
 public:
  VitStage(const ModelSpec& spec, std::int64_t stage_index, const FeatureRequest& request);

  torch::Tensor forward(const torch::Tensor& input, KeptBranches kept) override;
  torch::Tensor summarise(const torch::Tensor& output) override;
  torch::Tensor map_of(const torch::Tensor& output) const override;
  std::int64_t num_blocks() const override { return static_cast<std::int64_t>(blocks_.size()); }
  std::vector<ParameterInfo> list_parameters() override;
  std::vector<std::int64_t> list_block_kinds() const override;
  std::vector<std::string> list_branch_ends() const override;
  void update_copies() override;
  void initialise(std::uint64_t seed, Phase phase, std::int64_t stage_index) override;

 private:
  torch::Tensor embed(const torch::Tensor& images);

  bool is_first_;
  bool makes_class_token_alone_;
  double layer_scale_;
  std::shared_ptr<PatchEmbedding> patch_embed_;
  torch::Tensor cls_token_;  // (1, 1, D)
  torch::Tensor pos_embed_;  // (1, T, D)
  std::vector<std::shared_ptr<Block>> blocks_;
  torch::nn::LayerNorm norm_{nullptr};
};

}  // namespace incubate
