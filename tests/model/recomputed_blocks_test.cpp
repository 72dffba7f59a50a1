// Recomputation of blocks (ModelSpec::recompute): the same gradients and statistics to the last bit, from less memory.

#include <array>
#include <tuple>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "model/drop_path.h"
#include "support/tensor_bytes.h"
#include "support/tiny_model.h"
#include "support/tiny_resnet.h"

namespace incubate {
namespace {

constexpr std::int64_t kNumRecomputed = 6;

/// vit_by_aten computes in double, which has no kernels of this program, as on a GPU.
enum class Network { vit_fp32, vit_bf16, resnet, vit_by_aten };

std::string name_of(Network network) {
  return std::array{"vit_fp32", "vit_bf16", "resnet", "vit_by_aten"}[static_cast<std::size_t>(network)];
}

at::ScalarType type_of(Network network) { return network == Network::vit_by_aten ? torch::kFloat64 : torch::kFloat32; }

ModelConfig config_of(Network network) {
  return network == Network::resnet ? tiny_resnet_config() : tiny_model_config();
}

ModelSpec spec_of(Network network, const ModelConfig& config, Recompute recompute) {
  ModelSpec spec = target_spec(config);
  spec.precision = network == Network::vit_bf16 ? Precision::bf16 : Precision::fp32;
  spec.recompute = recompute;
  return spec;
}

/// Returns a model with different weights everywhere. Gradients are added to buffers that are not empty.
StagedModel make_model(const ModelSpec& spec, at::ScalarType type, const std::vector<bool>& is_learning) {
  torch::manual_seed(1);
  StagedModel model = make_classifier(spec);
  for (std::int64_t i = 0; i < model.num_stages(); ++i) {
    const torch::NoGradGuard no_grad;
    model.stage(i).to(type);
    model.head().to(type);
    for (const ParameterInfo& p : model.list_parameters(i)) {
      p.tensor.normal_(0, 0.3);
      if (is_learning[i]) p.tensor.mutable_grad() = torch::randn_like(p.tensor);
    }
  }
  model.set_learning(is_learning);
  model.update_copies();
  return model;
}

/// Returns what a training step takes from a model after two micro-batches.
std::vector<NamedTensor> pass_micro_batches(StagedModel& model, at::ScalarType type, const torch::Tensor& scales) {
  std::vector<NamedTensor> results;
  for (int micro_batch = 0; micro_batch < 2; ++micro_batch) {
    torch::manual_seed(2 + micro_batch);
    const torch::Tensor logits =
        model.forward(torch::randn({kNumRecomputed, 1, 8, 8}, type), keep_samples(scales, torch::kCPU));
    (logits * torch::randn_like(logits)).sum().backward();
    results.push_back({"logits", logits.detach()});
  }
  for (std::int64_t i = 0; i < model.num_stages(); ++i) {
    for (const ParameterInfo& p : model.list_parameters(i)) results.push_back({p.name, p.tensor.grad()});
    for (const StatisticInfo& s : model.stage(i).list_statistics()) {
      results.push_back({s.name, s.running});
      results.push_back({s.name + " of the micro-batch", s.batch});
    }
  }
  return results;
}

using RecomputedCase = std::tuple<Network, std::vector<bool>>;  // which stages learn

class RecomputedBlocks : public testing::TestWithParam<RecomputedCase> {
 protected:
  RecomputedBlocks() {
    config_.width = 32;  // so that heads are as wide as kernels of attention have them
    config_.layer_scale = 0.1;
  }
  std::int64_t num_blocks() const { return target_spec(config_).num_blocks(); }

  std::vector<NamedTensor> results(const torch::Tensor& scales, Recompute recompute) const {
    StagedModel model = make_model(spec_of(network_, config_, recompute), type_of(network_), std::get<1>(GetParam()));
    return pass_micro_batches(model, type_of(network_), scales);
  }
  void expect_same(const torch::Tensor& scales) const {
    const std::vector<NamedTensor> expected = results(scales, Recompute::none);
    const std::vector<NamedTensor> recomputed = results(scales, Recompute::blocks);
    ASSERT_EQ(recomputed.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const auto& [name, tensor] = expected[i];
      ASSERT_EQ(recomputed[i].tensor.defined(), tensor.defined()) << name;
      if (!tensor.defined()) continue;
      EXPECT_TRUE(tensor.isfinite().all().item<bool>()) << name;
      EXPECT_TRUE(torch::equal(recomputed[i].tensor, tensor)) << name;
    }
  }

  Network network_ = std::get<0>(GetParam());
  ModelConfig config_ = config_of(network_);
};

TEST_P(RecomputedBlocks, GiveTheSame) { expect_same({}); }

TEST_P(RecomputedBlocks, GiveTheSameWithStochasticDepth) {
  const torch::Tensor scales =
      draw_branch_scales(drop_path_rates(0.5, num_blocks()), kNumRecomputed, 1, Phase::meta, 0, 0);
  expect_same(scales);
  // One block drops the first branch for all samples, another one the second, the last but one both.
  scales[0][0].zero_();
  scales[1][1].zero_();
  scales[num_blocks() - 2].zero_();
  expect_same(scales);
}

TEST_P(RecomputedBlocks, GiveTheSameWhereTheLastIsDropped) {
  const torch::Tensor scales = torch::ones({num_blocks(), 2, kNumRecomputed});
  scales[num_blocks() - 1].zero_();
  expect_same(scales);
}

INSTANTIATE_TEST_SUITE_P(
    All, RecomputedBlocks,
    testing::Combine(testing::Values(Network::vit_fp32, Network::vit_bf16, Network::resnet, Network::vit_by_aten),
                     testing::Values(std::vector{true, true, true}, std::vector{true, false, false},
                                     std::vector{false, true, false}, std::vector{false, false, true})),
    [](const testing::TestParamInfo<RecomputedCase>& tested) {
      std::string name = name_of(std::get<0>(tested.param)) + "_";
      for (const bool learns : std::get<1>(tested.param)) name += learns ? "1" : "0";
      return name;
    });

struct KeptBytes {
  std::int64_t kept, peak;  ///< by the forward pass for the backward pass; at most in both
};

/// Counts the bytes of the second stage.
KeptBytes count_bytes(Network network, std::int64_t depth, Recompute recompute) {
  ModelConfig config = config_of(network);
  config.depths = {depth, depth, depth};
  config.group_depth = depth;
  StagedModel model = make_model(spec_of(network, config, recompute), torch::kFloat32, {false, true, false});
  const torch::Tensor x = model.stage(0).forward(torch::randn({kNumRecomputed, 1, 8, 8}), {}).detach().requires_grad_();
  KeptBytes result{};
  TensorBytes::count([&](const TensorBytes& bytes) {
    const torch::Tensor y = model.stage(1).forward(x, {});
    result.kept = bytes.now();
    y.sum().backward();
    result.peak = bytes.peak();
    x.mutable_grad() = torch::Tensor();
  });
  return result;
}

class MemoryOfBlocks : public testing::TestWithParam<Network> {
 protected:
  /// Returns the bytes of one more block, with so many blocks that memory peaks in the last one's backward pass.
  static KeptBytes count_bytes_of_block(Recompute recompute) {
    constexpr std::int64_t kDepth = 24;
    const KeptBytes fewer = count_bytes(GetParam(), kDepth, recompute);
    const KeptBytes more = count_bytes(GetParam(), kDepth + 1, recompute);
    return {more.kept - fewer.kept, more.peak - fewer.peak};
  }
  /// Returns the bytes of the block's input, in closed form.
  static std::int64_t input_bytes() {
    constexpr std::int64_t kTokens = 5, kWidth = 8, kChannels = 8, kSide = 4;
    if (GetParam() == Network::resnet) return kNumRecomputed * kChannels * kSide * kSide * 4;
    return kNumRecomputed * kTokens * kWidth *
           (GetParam() == Network::vit_bf16 ? 4 + 2 : 4 + 4);  // x and the branch before
  }
};

TEST_P(MemoryOfBlocks, IsThatOfTheirInputsWhereTheyAreRecomputed) {
  const KeptBytes bytes = count_bytes_of_block(Recompute::blocks);
  EXPECT_EQ(bytes.kept, input_bytes());
  EXPECT_EQ(bytes.peak, input_bytes());
}

TEST_P(MemoryOfBlocks, IsMoreWhereTheyAreNot) {
  const KeptBytes bytes = count_bytes_of_block(Recompute::none);
  EXPECT_GT(bytes.kept, 3 * input_bytes());
  EXPECT_GT(bytes.peak, 3 * input_bytes());
}

INSTANTIATE_TEST_SUITE_P(All, MemoryOfBlocks, testing::Values(Network::vit_fp32, Network::vit_bf16, Network::resnet),
                         [](const auto& tested) { return name_of(tested.param); });

}  // namespace
}  // namespace incubate
