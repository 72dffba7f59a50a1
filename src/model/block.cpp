#include "model/block.h"

#include <torch/torch.h>

namespace incubate {
namespace {

/// `x` + `branch`, each sample's branch times its factor.
torch::Tensor add_branch(const torch::Tensor& x_BTD, const torch::Tensor& branch_BTD, const torch::Tensor& scale_B) {
  if (!scale_B.defined()) return x_BTD + branch_BTD;
  return torch::addcmul(x_BTD, branch_BTD, scale_B.view({-1, 1, 1}));
}

torch::Tensor row(const torch::Tensor& scales, std::int64_t index) {
  return scales.defined() ? scales[index] : torch::Tensor();
}

}  // namespace

torch::nn::LayerNorm make_norm(const ModelSpec& spec) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({spec.width}).eps(spec.norm_eps));
}

Attention::Attention(const ModelSpec& spec)
    : heads_(spec.heads),
      qkv_(torch::nn::LinearOptions(spec.width, 3 * spec.width).bias(spec.qkv_bias)),
      proj_(spec.width, spec.width) {
  register_module("qkv", qkv_);
  register_module("proj", proj_);
}

torch::Tensor Attention::forward(const torch::Tensor& x_BTD) {
  const std::int64_t batch = x_BTD.size(0);
  const std::int64_t tokens = x_BTD.size(1);
  const std::int64_t width = x_BTD.size(2);
  const torch::Tensor qkv = qkv_(x_BTD).view({batch, tokens, 3, heads_, width / heads_}).permute({2, 0, 3, 1, 4});
  const torch::Tensor mixed = at::scaled_dot_product_attention(qkv[0], qkv[1], qkv[2]);
  return proj_(mixed.transpose(1, 2).reshape({batch, tokens, width}));
}

Mlp::Mlp(const ModelSpec& spec)
    : fc1_(spec.width, spec.mlp_ratio * spec.width), fc2_(spec.mlp_ratio * spec.width, spec.width) {
  register_module("fc1", fc1_);
  register_module("fc2", fc2_);
}

torch::Tensor Mlp::forward(const torch::Tensor& x_BTD) { return fc2_(torch::gelu(fc1_(x_BTD))); }

LayerScale::LayerScale(const ModelSpec& spec)
    : gamma_(register_parameter("gamma", torch::full({spec.width}, spec.layer_scale))) {}

torch::Tensor LayerScale::forward(const torch::Tensor& branch_BTD) { return branch_BTD * gamma_; }

Block::Block(const ModelSpec& spec)
    : norm1_(make_norm(spec)),
      attn_(std::make_shared<Attention>(spec)),
      norm2_(make_norm(spec)),
      mlp_(std::make_shared<Mlp>(spec)) {
  register_module("norm1", norm1_);
  register_module("attn", attn_);
  register_module("norm2", norm2_);
  register_module("mlp", mlp_);
  if (spec.layer_scale == 0) return;
  ls1_ = register_module("ls1", std::make_shared<LayerScale>(spec));
  ls2_ = register_module("ls2", std::make_shared<LayerScale>(spec));
}

torch::Tensor Block::forward(const torch::Tensor& x_BTD, const torch::Tensor& scales) {
  torch::Tensor branch_BTD = attn_->forward(norm1_(x_BTD));
  if (ls1_) branch_BTD = ls1_->forward(branch_BTD);
  const torch::Tensor y_BTD = add_branch(x_BTD, branch_BTD, row(scales, 0));
  branch_BTD = mlp_->forward(norm2_(y_BTD));
  if (ls2_) branch_BTD = ls2_->forward(branch_BTD);
  return add_branch(y_BTD, branch_BTD, row(scales, 1));
}

}  // namespace incubate
