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

constexpr std::int64_t kBatch = 6;

enum class Network { vit_fp32, vit_bf16, resnet };

ModelSpec spec_of(Network network, Recompute recompute) {
  ModelConfig config = network == Network::resnet ? tiny_resnet_config() : tiny_model_config();
  config.layer_scale = 0.1;
  ModelSpec spec = target_spec(config);
  spec.precision = network == Network::vit_bf16 ? Precision::bf16 : Precision::fp32;
  spec.recompute = recompute;
  return spec;
}

/// With weights that are all different; gradients are added to buffers that are not empty.
StagedModel make_model(const ModelSpec& spec, const std::vector<bool>& is_learning) {
  torch::manual_seed(1);
  StagedModel model(spec);
  for (std::int64_t i = 0; i < model.num_stages(); ++i) {
    const torch::NoGradGuard no_grad;
    for (const ParameterInfo& p : model.stage(i).list_parameters()) {
      p.tensor.normal_(0, 0.3);
      if (is_learning[i]) p.tensor.mutable_grad() = torch::randn_like(p.tensor);
    }
  }
  model.set_learning(is_learning);
  model.update_copies();
  return model;
}

/// What a training step takes from a model after two micro-batches.
std::vector<NamedTensor> train(StagedModel& model, const torch::Tensor& scales) {
  std::vector<NamedTensor> results;
  for (int micro_batch = 0; micro_batch < 2; ++micro_batch) {
    torch::manual_seed(2 + micro_batch);
    const torch::Tensor logits = model.forward(torch::randn({kBatch, 1, 8, 8}), scales);
    (logits * torch::randn_like(logits)).sum().backward();
    results.push_back({"logits", logits.detach()});
  }
  for (std::int64_t i = 0; i < model.num_stages(); ++i) {
    for (const ParameterInfo& p : model.stage(i).list_parameters()) results.push_back({p.name, p.tensor.grad()});
    for (const StatisticInfo& s : model.stage(i).list_statistics()) {
      results.push_back({s.name, s.running});
      results.push_back({s.name + " of the micro-batch", s.batch});
    }
  }
  return results;
}

class RecomputedBlocks : public testing::TestWithParam<std::tuple<Network, std::vector<bool>>> {
 protected:
  static StagedModel make(Recompute recompute) {
    return make_model(spec_of(std::get<0>(GetParam()), recompute), std::get<1>(GetParam()));
  }
  static void expect_same(const torch::Tensor& scales) {
    StagedModel kept = make(Recompute::none), recomputed = make(Recompute::blocks);
    const std::vector<NamedTensor> expected = train(kept, scales), results = train(recomputed, scales);
    ASSERT_EQ(results.size(), expected.size());
    for (std::size_t i = 0; i < results.size(); ++i) {
      ASSERT_EQ(results[i].tensor.defined(), expected[i].tensor.defined()) << expected[i].name;
      if (!expected[i].tensor.defined()) continue;
      EXPECT_TRUE(expected[i].tensor.isfinite().all().item<bool>()) << expected[i].name;
      EXPECT_TRUE(torch::equal(results[i].tensor, expected[i].tensor)) << expected[i].name;
    }
  }
};

TEST_P(RecomputedBlocks, GiveTheSameGradientsAndStatistics) { expect_same({}); }

TEST_P(RecomputedBlocks, GiveTheSameWithStochasticDepth) {
  const std::int64_t num_blocks = spec_of(std::get<0>(GetParam()), Recompute::none).num_blocks();
  const torch::Tensor scales = draw_branch_scales(drop_path_rates(0.5, num_blocks), kBatch, 1, Phase::meta, 0, 0);
  expect_same(scales);
  // Of one block the first branch is dropped for all samples, of another the second, of the last but one both.
  scales[0][0].zero_();
  scales[1][1].zero_();
  scales[num_blocks - 2].zero_();
  expect_same(scales);
}

TEST_P(RecomputedBlocks, GiveTheSameWhereTheLastIsDropped) {
  const std::int64_t num_blocks = spec_of(std::get<0>(GetParam()), Recompute::none).num_blocks();
  torch::Tensor scales = torch::ones({num_blocks, 2, kBatch});
  scales[num_blocks - 1].zero_();
  expect_same(scales);
}

std::string name_of(const testing::TestParamInfo<std::tuple<Network, std::vector<bool>>>& info) {
  const auto& [network, is_learning] = info.param;
  std::string name = network == Network::vit_fp32   ? "vit_fp32_"
                     : network == Network::vit_bf16 ? "vit_bf16_"
                                                    : "resnet_";
  for (const bool learns : is_learning) name += learns ? "1" : "0";
  return name;
}

INSTANTIATE_TEST_SUITE_P(
    All, RecomputedBlocks,
    testing::Combine(testing::Values(Network::vit_fp32, Network::vit_bf16, Network::resnet),
                     testing::Values(std::vector{true, true, true}, std::vector{true, false, false},
                                     std::vector{false, true, false}, std::vector{false, false, true})),
    name_of);

/// Bytes that the second stage at depth `depth` takes: for its graph after the forward pass, and at most in a step.
std::array<std::int64_t, 2> bytes_of_stage(ModelConfig config, Network network, std::int64_t depth,
                                           Recompute recompute) {
  config.depths = {depth, depth, depth};
  config.group_depth = depth;
  ModelSpec spec = target_spec(config);
  spec.precision = network == Network::vit_bf16 ? Precision::bf16 : Precision::fp32;
  spec.recompute = recompute;
  StagedModel model = make_model(spec, {false, true, false});
  const torch::Tensor x = model.stage(0).forward(torch::randn({kBatch, 1, 8, 8}), {}).detach().requires_grad_();
  std::array<std::int64_t, 2> result{};
  TensorBytes::count([&](const TensorBytes& bytes) {
    const torch::Tensor y = model.stage(1).forward(x, {});
    result[0] = bytes.now();
    y.sum().backward();
    result[1] = bytes.peak();
    x.mutable_grad() = torch::Tensor();
  });
  return result;
}

class MemoryOfBlocks : public testing::TestWithParam<Network> {
 protected:
  static ModelConfig config() { return GetParam() == Network::resnet ? tiny_resnet_config() : tiny_model_config(); }
  /// What one block more takes.
  static std::array<std::int64_t, 2> bytes_of_block(Recompute recompute) {
    const auto three = bytes_of_stage(config(), GetParam(), 3, recompute);
    const auto four = bytes_of_stage(config(), GetParam(), 4, recompute);
    return {four[0] - three[0], four[1] - three[1]};
  }
  /// What flows into it.
  static std::int64_t input_bytes() {
    if (GetParam() == Network::resnet) return kBatch * 8 * 4 * 4 * std::int64_t{sizeof(float)};
    const std::int64_t values = kBatch * 5 * 8;                         // tokens, width
    return values * (GetParam() == Network::vit_bf16 ? 4 + 2 : 4 + 4);  // the residual and the branch before
  }
};

TEST_P(MemoryOfBlocks, IsThatOfTheirInputsWhereTheyAreRecomputed) {
  const auto [kept, peak] = bytes_of_block(Recompute::blocks);
  EXPECT_EQ(kept, input_bytes());
  EXPECT_EQ(peak, input_bytes());
}

TEST_P(MemoryOfBlocks, IsMoreWhereTheyAreNot) {
  const auto [kept, peak] = bytes_of_block(Recompute::none);
  EXPECT_GT(kept, 2 * input_bytes());
  EXPECT_GT(peak, 2 * input_bytes());
}

INSTANTIATE_TEST_SUITE_P(All, MemoryOfBlocks, testing::Values(Network::vit_fp32, Network::vit_bf16, Network::resnet),
                         [](const auto& tested) {
                           return std::array{"vit_fp32", "vit_bf16", "resnet"}[static_cast<std::size_t>(tested.param)];
                         });

}  // namespace
}  // namespace incubate
