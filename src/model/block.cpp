#include "model/block.h"

#include <torch/torch.h>

#include "ops/attention.h"
#include "ops/bias_gelu.h"

namespace incubate {
namespace {

torch::Tensor row(const torch::Tensor& scales, std::int64_t index) {
  return scales.defined() ? scales[index] : torch::Tensor();
}

NormParameters parameters_of(const torch::nn::LayerNormImpl& norm) {
  return {norm.weight, norm.bias, norm.options.eps()};
}

}  // namespace

torch::nn::LayerNorm make_norm(const ModelSpec& spec) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({spec.width}).eps(spec.norm_eps));
}

Attention::Attention(const ModelSpec& spec)
    : heads_(spec.heads),
      qkv_(std::make_shared<Linear>(spec.width, 3 * spec.width, spec.qkv_bias, spec.precision)),
      proj_(std::make_shared<Linear>(spec.width, spec.width, true, spec.precision)) {
  register_module("qkv", qkv_);
  register_module("proj", proj_);
}

torch::Tensor Attention::forward(const torch::Tensor& x_BTD, std::int64_t num_tokens) {
  return proj_->product(attention(qkv_->product(x_BTD), qkv_->bias(), heads_, num_tokens));
}

Mlp::Mlp(const ModelSpec& spec)
    : fc1_(std::make_shared<Linear>(spec.width, spec.mlp_ratio * spec.width, true, spec.precision)),
      fc2_(std::make_shared<Linear>(spec.mlp_ratio * spec.width, spec.width, true, spec.precision)) {
  register_module("fc1", fc1_);
  register_module("fc2", fc2_);
}

torch::Tensor Mlp::forward(const torch::Tensor& x_BTD) {
  return fc2_->product(bias_gelu(fc1_->product(x_BTD), fc1_->bias()));
}

LayerScale::LayerScale(const ModelSpec& spec)
    : gamma_(register_parameter("gamma", torch::full({spec.width}, spec.layer_scale))) {}

Block::Block(const ModelSpec& spec)
    : type_(spec.precision == Precision::bf16 ? torch::kBFloat16 : at::ScalarType::Undefined),
      norm1_(make_norm(spec)),
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

template <typename Function>
Residual Block::add_branch(const Residual& residual, torch::nn::LayerNormImpl& norm, const torch::Tensor& factors,
                           std::int64_t num_tokens, const Function& function) {
  const auto first_tokens = [num_tokens](const torch::Tensor& x) {
    return x.size(1) == num_tokens ? x : x.narrow(1, 0, num_tokens);
  };
  const KeptSamples kept = keep_samples(factors);
  if (kept.has_none()) return {first_tokens(residual_sum(residual)), {}};
  const at::ScalarType type = type_ == at::ScalarType::Undefined ? residual.x.scalar_type() : type_;
  const Normalised normalised = residual_norm(residual, parameters_of(norm), kept, type);
  Branch branch = function(normalised.values);
  branch.kept = kept;
  return {first_tokens(normalised.sum), branch};
}

Residual Block::forward(const Residual& residual, const torch::Tensor& scales, std::int64_t num_tokens) {
  const auto gamma = [](const std::shared_ptr<LayerScale>& scale) { return scale ? scale->gamma() : torch::Tensor(); };
  const Residual middle = add_branch(residual, *norm1_, row(scales, 0), num_tokens, [&](const torch::Tensor& x) {
    return Branch{
        .values = attn_->forward(x, num_tokens), .bias = attn_->last_bias(), .scale = gamma(ls1_), .kept = {}};
  });
  return add_branch(middle, *norm2_, row(scales, 1), num_tokens, [&](const torch::Tensor& x) {
    return Branch{.values = mlp_->forward(x), .bias = mlp_->last_bias(), .scale = gamma(ls2_), .kept = {}};
  });
}

}  // namespace incubate
