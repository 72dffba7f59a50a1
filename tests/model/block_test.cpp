#include "model/block.h"

#include <cmath>

#include <gtest/gtest.h>
#include <torch/torch.h>

namespace incubate {
namespace {

constexpr std::int64_t kWidth = 6;
const ModelSpec kSpec = {{.image_size = 4,
                          .channels = 1,
                          .classes = 2,
                          .patch = 2,
                          .width = kWidth,
                          .heads = 2,
                          .mlp_ratio = 2,
                          .norm_eps = 1e-3},
                         {1, 1}};

/// Converts a module to double, with weights from torch's generator: precise enough to compare with a plain formula.
template <typename Module>
std::map<std::string, torch::Tensor> prepare(Module& module) {
  torch::manual_seed(1);
  module.to(torch::kFloat64);
  std::map<std::string, torch::Tensor> weights;
  for (auto& item : module.named_parameters()) {
    const torch::NoGradGuard no_grad;
    item.value().normal_(0, 0.5);
    weights[item.key()] = item.value();
  }
  return weights;
}

torch::Tensor linear(const torch::Tensor& x, const std::map<std::string, torch::Tensor>& w, const std::string& name) {
  return torch::matmul(x, w.at(name + ".weight").t()) + w.at(name + ".bias");
}

/// Returns the softmax attention of each head, written out.
torch::Tensor reference_attention(const torch::Tensor& x, const std::map<std::string, torch::Tensor>& w,
                                  const std::string& prefix) {
  const torch::Tensor qkv = linear(x, w, prefix + "qkv");
  std::vector<torch::Tensor> heads;
  constexpr std::int64_t kHead = kWidth / 2;
  for (std::int64_t h = 0; h < 2; ++h) {
    const torch::Tensor q = qkv.narrow(2, h * kHead, kHead);
    const torch::Tensor k = qkv.narrow(2, kWidth + (h * kHead), kHead);
    const torch::Tensor v = qkv.narrow(2, (2 * kWidth) + (h * kHead), kHead);
    heads.push_back(torch::matmul(torch::softmax(torch::matmul(q, k.transpose(1, 2)) / std::sqrt(kHead), 2), v));
  }
  return linear(torch::cat(heads, 2), w, prefix + "proj");
}

torch::Tensor reference_mlp(const torch::Tensor& x, const std::map<std::string, torch::Tensor>& w,
                            const std::string& prefix) {
  const torch::Tensor hidden = linear(x, w, prefix + "fc1");
  return linear(hidden * 0.5 * (1 + torch::erf(hidden / std::sqrt(2.0))), w, prefix + "fc2");
}

torch::Tensor reference_norm(const torch::Tensor& x, const std::map<std::string, torch::Tensor>& w,
                             const std::string& name) {
  const torch::Tensor centred = x - x.mean(2, true);
  return centred / (centred.square().mean(2, true) + 1e-3).sqrt() * w.at(name + ".weight") + w.at(name + ".bias");
}

torch::Tensor input() {
  torch::manual_seed(2);
  return torch::randn({3, 5, kWidth}, torch::kFloat64);
}

torch::Tensor output(Block& block, const torch::Tensor& scales) {
  return residual_sum(block.forward({input(), {}}, keep_samples(scales, torch::kCPU), 5));
}

TEST(Block, AttentionIsSoftmaxOfScaledProductsInEveryHead) {
  Attention attention(kSpec);
  const auto weights = prepare(attention);
  EXPECT_TRUE(torch::allclose(attention.forward(input(), 5) + attention.last_bias(),
                              reference_attention(input(), weights, ""), 1e-10, 1e-12));
}

TEST(Block, MlpHasTheExactGelu) {
  Mlp mlp(kSpec);
  const auto weights = prepare(mlp);
  EXPECT_TRUE(
      torch::allclose(mlp.forward(input()) + mlp.last_bias(), reference_mlp(input(), weights, ""), 1e-10, 1e-12));
}

TEST(Block, BranchesAreNormedScaledAndAdded) {
  Block block(kSpec);
  const auto w = prepare(block);
  const torch::Tensor scales = torch::tensor({{0.0, 1.0, 2.0}, {1.5, 0.0, 1.0}}, torch::kFloat64);
  for (const bool with_scales : {false, true}) {
    const torch::Tensor s = with_scales ? scales : torch::ones({2, 3}, torch::kFloat64);
    const torch::Tensor y =
        input() + s[0].view({3, 1, 1}) * reference_attention(reference_norm(input(), w, "norm1"), w, "attn.");
    const torch::Tensor z = y + s[1].view({3, 1, 1}) * reference_mlp(reference_norm(y, w, "norm2"), w, "mlp.");
    EXPECT_TRUE(torch::allclose(output(block, with_scales ? scales : torch::Tensor()), z, 1e-10, 1e-12));
  }
}

TEST(Block, LayerScaleMultipliesEachOutputOfABranch) {
  ModelSpec spec = kSpec;
  spec.layer_scale = 0.1;
  Block block(spec);
  const auto w = prepare(block);
  const torch::Tensor s = torch::tensor({{0.0, 1.0, 2.0}, {1.5, 0.0, 1.0}}, torch::kFloat64);
  const torch::Tensor y = input() + s[0].view({3, 1, 1}) * w.at("ls1.gamma") *
                                        reference_attention(reference_norm(input(), w, "norm1"), w, "attn.");
  const torch::Tensor z =
      y + s[1].view({3, 1, 1}) * w.at("ls2.gamma") * reference_mlp(reference_norm(y, w, "norm2"), w, "mlp.");
  EXPECT_TRUE(torch::allclose(output(block, s), z, 1e-10, 1e-12));
}

// Gradients are the same too, with and without dropped branches.
TEST(Block, FirstTokensAreTheSameWithoutTheRest) {
  for (const at::ScalarType type : {torch::kFloat64, torch::kFloat32}) {
    ModelSpec spec = kSpec;
    spec.layer_scale = 0.1;
    Block block(spec);
    auto weights = prepare(block);
    block.to(type);
    for (const torch::Tensor& scales :
         {torch::Tensor(), torch::tensor({{0.0, 1.0, 2.0}, {1.5, 0.0, 1.0}}), torch::zeros({2, 3})}) {
      std::vector<torch::Tensor> outputs, gradients;
      for (const std::int64_t num_tokens : {5, 2}) {
        const torch::Tensor x = input().to(type).requires_grad_();
        outputs.push_back(
            residual_sum(block.forward({x, {}}, keep_samples(scales, torch::kCPU), num_tokens)).narrow(1, 0, 2));
        block.zero_grad();
        outputs.back().square().sum().backward();
        std::vector<torch::Tensor> parts = {x.grad().flatten()};
        for (const torch::Tensor& parameter : block.parameters()) {
          if (parameter.grad().defined()) parts.push_back(parameter.grad().flatten());
        }
        gradients.push_back(torch::cat(parts));
      }
      const double tolerance = type == torch::kFloat64 ? 1e-12 : 1e-4;
      EXPECT_TRUE(torch::allclose(outputs[1], outputs[0], tolerance, tolerance));
      EXPECT_TRUE(torch::allclose(gradients[1], gradients[0], tolerance, tolerance));
    }
  }
}

TEST(Block, GradientIsTheSlopeOfTheLoss) {
  ModelSpec spec = kSpec;
  spec.layer_scale = 0.1;
  Block block(spec);
  auto weights = prepare(block);
  const torch::Tensor probe = torch::randn({3, 5, kWidth}, torch::kFloat64);
  const auto loss = [&] { return (output(block, {}) * probe).sum(); };
  loss().backward();
  constexpr double kStep = 1e-5;  // central differences: an error of about kStep^2
  for (auto& [name, weight] : weights) {
    const torch::NoGradGuard no_grad;
    torch::Tensor value = weight.flatten()[3];
    value += kStep;
    const auto above = loss().item<double>();
    value -= 2 * kStep;
    const auto below = loss().item<double>();
    value += kStep;
    const auto slope = weight.grad().flatten()[3].item<double>();
    EXPECT_NEAR((above - below) / (2 * kStep), slope, 1e-6 * (1 + std::fabs(slope))) << name;
  }
}

}  // namespace
}  // namespace incubate
