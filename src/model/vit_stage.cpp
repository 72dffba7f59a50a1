#include "model/vit_stage.h"

#include <algorithm>
#include <cmath>
#include <string>

#include <torch/torch.h>

#include "model/initialisation.h"
#include "ops/linear_product.h"

namespace incubate {

PatchEmbedding::PatchEmbedding(const ModelSpec& spec)
    : proj_(torch::nn::Conv2dOptions(spec.channels, spec.width, spec.patch).stride(spec.patch)),
      copy_(make_copy(spec.precision)) {
  register_module("proj", proj_);
}

torch::Tensor PatchEmbedding::forward(const torch::Tensor& images) {
  const std::int64_t patch = proj_->weight.size(2);
  const std::int64_t rows = images.size(2) / patch;
  const std::int64_t columns = images.size(3) / patch;
  const torch::Tensor patches = images.reshape({images.size(0), images.size(1), rows, patch, columns, patch})
                                    .permute({0, 2, 4, 1, 3, 5})
                                    .reshape({images.size(0), rows * columns, -1})
                                    .to(copy_ ? torch::kBFloat16 : images.scalar_type());
  return linear_product(patches, proj_->weight.flatten(1), copy_).to(images.scalar_type()) + proj_->bias;
}

void PatchEmbedding::update_copy() {
  if (copy_) copy_->update(proj_->weight.flatten(1));
}

VitStage::VitStage(const ModelSpec& spec, std::int64_t stage_index, const FeatureRequest& request)
    : is_first_(stage_index == 0), layer_scale_(spec.layer_scale) {
  const bool is_last = stage_index + 1 == spec.num_stages();
  makes_class_token_alone_ = is_last && std::ranges::find(request.map_stages, stage_index) == request.map_stages.end();
  if (is_first_) {
    patch_embed_ = register_module("patch_embed", std::make_shared<PatchEmbedding>(spec));
    cls_token_ = register_parameter("cls_token", torch::zeros({1, 1, spec.width}));
    pos_embed_ = register_parameter("pos_embed", torch::zeros({1, spec.num_tokens(), spec.width}));
  }
  torch::nn::ModuleList blocks;
  for (std::int64_t i = 0; i < spec.depths.at(stage_index); ++i) {
    blocks_.push_back(std::make_shared<Block>(spec));
    blocks->push_back(blocks_.back());
  }
  register_module("blocks", blocks);
  if (is_last) norm_ = register_module("norm", make_norm(spec));
}

torch::Tensor VitStage::embed(const torch::Tensor& images) {
  return torch::cat({cls_token_.expand({images.size(0), -1, -1}), patch_embed_->forward(images)}, 1) + pos_embed_;
}

torch::Tensor VitStage::forward(const torch::Tensor& input, KeptBranches kept) {
  Residual residual = {is_first_ ? embed(input) : input, {}};
  for (std::int64_t i = 0; i < num_blocks(); ++i) {
    const std::int64_t num_tokens = makes_class_token_alone_ && i + 1 == num_blocks() ? 1 : residual.x.size(1);
    residual = blocks_[i]->forward(residual, branches_of(kept, i, 1), num_tokens);
  }
  return residual_sum(residual);
}

torch::Tensor VitStage::summarise(const torch::Tensor& output) { return norm_(output.select(1, 0)); }

torch::Tensor VitStage::map_of(const torch::Tensor& output) const {
  const std::int64_t num_patches = output.size(1) - 1;
  const auto side = std::llround(std::sqrt(static_cast<double>(num_patches)));
  return output.narrow(1, 1, num_patches).transpose(1, 2).unflatten(2, {side, side});
}

void VitStage::update_copies() {
  for (const std::shared_ptr<torch::nn::Module>& module : modules()) {
    if (auto* linear = module->as<Linear>()) linear->update_copy();
    if (auto* patches = module->as<PatchEmbedding>()) patches->update_copy();
  }
}

std::vector<ParameterInfo> VitStage::list_parameters() {
  std::vector<ParameterInfo> list;
  for (auto& item : named_parameters()) {
    ParameterInfo info{item.key(), item.value(), 0, item.value().dim() >= 2};
    const std::string& name = info.name;
    if (name == "cls_token" || name == "pos_embed") info.decays = false;
    if (const auto block = block_of(name)) info.layer = 1 + *block;
    if (name.starts_with("norm.")) info.layer = 1 + num_blocks();
    info.joins_layer_before = name.starts_with("norm.");  // as timm groups a vision transformer's layers
    list.push_back(info);
  }
  return list;
}

void VitStage::initialise(std::uint64_t seed, Phase phase, std::int64_t stage_index) {
  const torch::NoGradGuard no_grad;
  for (ParameterInfo& parameter : list_parameters()) {
    const Generator generator = parameter_generator(seed, phase, stage_index, parameter.name);
    const bool is_norm = parameter.name.find("norm") != std::string::npos;
    if (parameter.name.starts_with("patch_embed.")) {
      const torch::Tensor weight = patch_embed_->named_parameters()["proj.weight"];
      fill_uniform(parameter.tensor, 1 / std::sqrt(static_cast<double>(weight[0].numel())), generator);
    } else if (is_norm) {
      parameter.tensor.fill_(parameter.name.ends_with(".weight") ? 1 : 0);
    } else if (parameter.name.ends_with(".bias")) {
      parameter.tensor.zero_();
    } else if (parameter.name.ends_with(".gamma")) {
      parameter.tensor.fill_(layer_scale_);
    } else {
      fill_truncated_normal(parameter.tensor, generator);
    }
  }
}

std::vector<std::int64_t> VitStage::list_block_kinds() const {
  return std::vector<std::int64_t>(blocks_.size(), 0);  // one kind
}

std::vector<std::string> VitStage::list_branch_ends() const {
  return {"attn.proj.weight", "attn.proj.bias", "mlp.fc2.weight", "mlp.fc2.bias"};
}

}  // namespace incubate
