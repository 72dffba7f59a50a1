#pragma once

#include <memory>

#include <torch/nn/module.h>
#include <torch/nn/modules/normalization.h>

#include "model/linear.h"
#include "model/spec.h"
#include "ops/residual_norm.h"

namespace incubate {

// Shapes: B batch, T tokens, D width.

/// Multi-head self-attention with a joint projection to queries, keys and values.
class Attention : public torch::nn::Module {
 public:
  explicit Attention(const ModelSpec& spec);
  /// Returns (B, num_tokens, D), the attention of the first `num_tokens` tokens. The residual adds the last bias later.
  torch::Tensor forward(const torch::Tensor& x_BTD, std::int64_t num_tokens);
  const torch::Tensor& last_bias() const { return proj_->bias(); }

 private:
  std::int64_t heads_;
  std::shared_ptr<Linear> qkv_, proj_;
};

/// Two linear layers with GELU between.
class Mlp : public torch::nn::Module {
 public:
  explicit Mlp(const ModelSpec& spec);
  /// Returns the output without the last bias, which the residual adds later.
  torch::Tensor forward(const torch::Tensor& x_BTD);
  const torch::Tensor& last_bias() const { return fc2_->bias(); }

 private:
  std::shared_ptr<Linear> fc1_, fc2_;
};

/// A learned factor for each of a branch's D outputs (Touvron et al., "Going deeper with image transformers", ICCV
/// 2021).
class LayerScale : public torch::nn::Module {
 public:
  explicit LayerScale(const ModelSpec& spec);
  const torch::Tensor& gamma() const { return gamma_; }

 private:
  torch::Tensor gamma_;  // (D)
};

/// A pre-norm transformer block: x + s0 g0 attention(norm(x)), then x + s1 g1 MLP(norm(x)). g0 and g1 are factors of
/// LayerScale, if any. Dosovitskiy et al., "An image is worth 16x16 words", ICLR 2021, equations 2 and 3.
class Block : public torch::nn::Module {
 public:
  explicit Block(const ModelSpec& spec);
  /// Returns the first `num_tokens` tokens. Computes each branch for its samples in `kept`, with their factors s0 and
  /// s1. Of other tokens it computes only what attention reads.
  Residual forward(const Residual& residual, KeptBranches kept, std::int64_t num_tokens);

 private:
  // `attention`, `mlp` and `branch` have no values yet.
  Residual compute(const Residual& residual, const Branch& attention, const Branch& mlp, std::int64_t num_tokens);
  /// `function` maps normalised tokens to the branch's values, (samples, num_tokens, D).
  template <typename Function>
  Residual add_branch(const Residual& residual, torch::nn::LayerNormImpl& norm, const Branch& branch,
                      std::int64_t num_tokens, const Function& function);

  at::ScalarType type_;  // the type of branches; undefined: the type of x
  Recompute recompute_;
  torch::nn::LayerNorm norm1_;
  std::shared_ptr<Attention> attn_;
  torch::nn::LayerNorm norm2_;
  std::shared_ptr<Mlp> mlp_;
  std::shared_ptr<LayerScale> ls1_, ls2_;
};

/// Returns a LayerNorm over the width.
torch::nn::LayerNorm make_norm(const ModelSpec& spec);

}  // namespace incubate
