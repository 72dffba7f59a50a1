#include "model/block.h"

#include <utility>
#include <vector>

#include <torch/torch.h>

#include "ops/attention.h"
#include "ops/bias_gelu.h"
#include "ops/recompute.h"

namespace incubate {
namespace {

NormParameters parameters_of(const torch::nn::LayerNormImpl& norm) {
  return {norm.weight, norm.bias, norm.options.eps()};
}

// The tensors of a residual that depend on images. Its other tensors belong to the block that made the branch.

std::vector<torch::Tensor> activations_of(const Residual& residual) {
  if (!residual.branch.values.defined()) return {residual.x};
  return {residual.x, residual.branch.values};
}

/// `branch` has no values.
Residual with_activations(Branch branch, const std::vector<torch::Tensor>& activations) {
  if (activations.size() == 1) return {activations[0], {}};
  branch.values = activations[1];
  return {activations[0], std::move(branch)};
}

Branch without_values(Branch branch) {
  branch.values = torch::Tensor();
  return branch;
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
    : fc1_(std::make_shared<Linear>(spec.width, spec.hidden(), true, spec.precision)),
      fc2_(std::make_shared<Linear>(spec.hidden(), spec.width, true, spec.precision)) {
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
      recompute_(spec.recompute),
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

Residual Block::forward(const Residual& residual, KeptBranches kept, std::int64_t num_tokens) {
  const auto branch = [&](const torch::Tensor& bias, const std::shared_ptr<LayerScale>& scale, std::size_t index) {
    return Branch{.values = {},
                  .bias = bias,
                  .scale = scale ? scale->gamma() : torch::Tensor(),
                  .kept = kept.empty() ? KeptSamples() : kept[index]};
  };
  const Branch attention = branch(attn_->last_bias(), ls1_, 0);
  const Branch mlp = branch(mlp_->last_bias(), ls2_, 1);
  if (recompute_ == Recompute::none) return compute(residual, attention, mlp, num_tokens);
  const TensorFunction function = [this, before = without_values(residual.branch), attention, mlp,
                                   num_tokens](const std::vector<torch::Tensor>& inputs) {
    return activations_of(compute(with_activations(before, inputs), attention, mlp, num_tokens));
  };
  return with_activations(mlp, recompute(function, activations_of(residual), norm1_->weight));
}

Residual Block::compute(const Residual& residual, const Branch& attention, const Branch& mlp, std::int64_t num_tokens) {
  const Residual middle = add_branch(residual, *norm1_, attention, num_tokens,
                                     [&](const torch::Tensor& x) { return attn_->forward(x, num_tokens); });
  return add_branch(middle, *norm2_, mlp, num_tokens, [&](const torch::Tensor& x) { return mlp_->forward(x); });
}

template <typename Function>
Residual Block::add_branch(const Residual& residual, torch::nn::LayerNormImpl& norm, const Branch& branch,
                           std::int64_t num_tokens, const Function& function) {
  const auto first_tokens = [num_tokens](const torch::Tensor& x) {
    return x.size(1) == num_tokens ? x : x.narrow(1, 0, num_tokens);
  };
  if (branch.kept.has_none()) return {first_tokens(residual_sum(residual)), {}};
  const at::ScalarType type = type_ == at::ScalarType::Undefined ? residual.x.scalar_type() : type_;
  const Normalised normalised = residual_norm(residual, parameters_of(norm), branch.kept, type);
  Branch computed = branch;
  computed.values = function(normalised.values);
  return {first_tokens(normalised.sum), computed};
}

}  // namespace incubate
