#include "model/growth.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "model/drop_path.h"
#include "model/staged_model.h"
#include "support/tiny_model.h"
#include "support/tiny_resnet.h"

namespace incubate {
namespace {

torch::Tensor growth_images() {
  torch::manual_seed(3);
  return torch::randn({4, 1, 8, 8});
}

/// Returns stages of 2, 1 and 2 blocks in the meta model, of 5, 1 and 3 in the target.
ModelConfig growth_config() {
  ModelConfig config = tiny_model_config();
  config.meta_depths = {2, 1, 2};
  config.depths = {5, 1, 3};
  return config;
}

/// Returns the network `spec` with each stage grown from that of `meta`. Stages of the same depth are copies.
StagedModel grow_stages(const ModelSpec& spec, StagedModel& meta) {
  StagedModel model = make_classifier(spec);
  for (std::int64_t i = 0; i < model.num_stages(); ++i) {
    model.initialise(i, 2, Phase::grown);
    grow(model.stage(i), meta.stage(i));
  }
  const auto original = meta.head().list_state();
  auto copy = model.head().list_state();
  const torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < copy.size(); ++i) copy[i].tensor.copy_(original[i].tensor);
  return model;
}

/// Expects equality up to rounding: a last block that computes only the class token has products of fewer rows.
void expect_same(const torch::Tensor& result, const torch::Tensor& expected) {
  EXPECT_LE((result - expected).abs().max().item<double>(), 1e-6 * expected.abs().max().item<double>());
}

TEST(Growth, GrownNetworkComputesWhatTheSmallOneDoes) {
  StagedModel meta = make_initialised(meta_spec(growth_config()));
  const torch::Tensor expected = meta.forward(growth_images(), {});
  StagedModel target = grow_stages(target_spec(growth_config()), meta);
  expect_same(target.forward(growth_images(), {}), expected);
  for (std::int64_t i = 0; i < 3; ++i) {
    StagedModel hybrid = grow_stages(hybrid_spec(growth_config(), i), meta);
    SCOPED_TRACE(i);
    expect_same(hybrid.forward(growth_images(), {}), expected);
  }
}

TEST(Growth, AddedBlocksStayTheIdentityUnderStochasticDepth) {
  StagedModel meta = make_initialised(meta_spec(growth_config()));
  StagedModel target = grow_stages(target_spec(growth_config()), meta);
  torch::Tensor scales = draw_branch_scales(drop_path_rates(0.5, 9), 4, 1, Phase::meta, 0, 0);
  // The blocks that the meta model has are 0 and 1 of the target's stage 0, its stage 1, and 0 and 1 of its stage 2.
  const torch::Tensor of_meta = scales.index_select(0, torch::tensor({0, 1, 5, 6, 7}));
  expect_same(target.forward(growth_images(), keep_samples(scales, torch::kCPU)),
              meta.forward(growth_images(), keep_samples(of_meta, torch::kCPU)));
}

TEST(Growth, AddedBlocksLearn) {
  StagedModel meta = make_initialised(meta_spec(growth_config()));
  StagedModel target = grow_stages(target_spec(growth_config()), meta);
  target.forward(growth_images(), {}).square().sum().backward();
  for (const ParameterInfo& p : target.list_parameters(0)) {
    const bool is_last_projection = p.name == "blocks.4.attn.proj.weight" || p.name == "blocks.4.mlp.fc2.weight";
    const bool is_before_it = p.name == "blocks.4.attn.qkv.weight" || p.name == "blocks.4.mlp.fc1.weight";
    if (!is_last_projection && !is_before_it) continue;
    EXPECT_EQ(p.tensor.grad().any().item<bool>(), is_last_projection) << p.name;  // the others a step later
  }
}

TEST(Growth, StageOfTheSameDepthIsACopy) {
  StagedModel meta = make_initialised(meta_spec(growth_config()));
  StagedModel same = grow_stages(meta_spec(growth_config()), meta);
  for (std::int64_t i = 0; i < 3; ++i) {
    const auto expected = meta.stage(i).named_parameters();
    for (const ParameterInfo& p : same.stage(i).list_parameters()) {
      EXPECT_TRUE(torch::equal(p.tensor, expected[p.name])) << p.name;
    }
  }
}

TEST(Growth, ADeeperStageCannotBeTheSource) {
  StagedModel meta = make_initialised(meta_spec(growth_config()));
  StagedModel target = make_initialised(target_spec(growth_config()));
  EXPECT_THROW(grow(meta.stage(0), target.stage(0)), c10::Error);
}

/// Sets statistics and norms as a training might leave them.
void disturb(StagedModel& model) {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(4);
  for (std::int64_t i = 0; i < model.num_stages(); ++i) {
    for (NamedTensor& item : model.list_state(i)) {
      if (item.tensor.dim() == 1) item.tensor.add_(0.3 * torch::rand_like(item.tensor));
    }
  }
}

/// Returns stages that end where a group does, and stages with parts of two groups; the meta model has one or both.
std::vector<ModelConfig> resnet_configs() {
  std::vector<ModelConfig> configs = {tiny_resnet_config(), two_stage_resnet_config(), two_stage_resnet_config()};
  configs.back().meta_depths = {2, 2};
  for (ModelConfig& config : configs) {
    config.group_depth = 4;
    for (std::int64_t& depth : config.depths) depth *= 2;
  }
  return configs;
}

TEST(Growth, GrownResidualNetworkComputesExactlyWhatTheSmallOneDoes) {
  const torch::NoGradGuard no_grad;
  for (const ModelConfig& config : resnet_configs()) {
    StagedModel meta = make_initialised(meta_spec(config));
    disturb(meta);
    StagedModel target = grow_stages(target_spec(config), meta);
    ASSERT_GT(target.spec().num_blocks(), meta.spec().num_blocks());
    EXPECT_TRUE(torch::equal(target.forward(growth_images(), {}), meta.forward(growth_images(), {})));
    meta.eval();
    target.eval();
    const torch::Tensor expected = meta.forward(growth_images(), {});
    EXPECT_TRUE(torch::equal(target.forward(growth_images(), {}), expected));
    for (std::int64_t i = 0; i < meta.num_stages(); ++i) {
      StagedModel hybrid = grow_stages(hybrid_spec(config, i), meta);
      hybrid.eval();
      EXPECT_TRUE(torch::equal(hybrid.forward(growth_images(), {}), expected)) << i;
    }
  }
}

TEST(Growth, BlocksThatAreAddedToAResidualNetworkLearn) {
  StagedModel meta = make_initialised(meta_spec(two_stage_resnet_config()));
  StagedModel target = grow_stages(target_spec(two_stage_resnet_config()), meta);
  target.forward(growth_images(), {}).square().sum().backward();
  // The meta model's only block is the third, of stride 2.
  for (const ParameterInfo& p : target.list_parameters(0)) {
    const bool is_added = p.name.starts_with("blocks.0.bn2.") || p.name.starts_with("blocks.1.bn2.");
    EXPECT_EQ(p.tensor.any().item<bool>(), !is_added && !p.name.ends_with(".bias")) << p.name;
    EXPECT_TRUE(!is_added || p.tensor.grad().any().item<bool>()) << p.name;
  }
}

TEST(ZeroBranches, OfAResidualBlockLeaveItsShortcut) {
  StagedModel model = make_initialised(target_spec(tiny_resnet_config()));
  const torch::Tensor x = torch::randn({4, 4, 8, 8}).abs();
  zero_branches(model.stage(0), 1);
  zero_branches(model.stage(1), 0);
  zero_branches(model.stage(1), 1);
  const torch::Tensor y = model.stage(1).forward(x, {});
  EXPECT_TRUE(torch::equal(y.narrow(1, 0, 4), x.slice(2, 0, 8, 2).slice(3, 0, 8, 2)));
  EXPECT_FALSE(y.narrow(1, 4, 4).any().item<bool>());
}

TEST(ZeroBranches, MakeABlockTheIdentity) {
  StagedModel model = make_initialised(target_spec(tiny_model_config()));
  const torch::Tensor x = torch::randn({4, 5, 8});
  EXPECT_FALSE(torch::equal(model.stage(1).forward(x, {}), x));
  zero_branches(model.stage(1), 0);
  EXPECT_TRUE(torch::equal(model.stage(1).forward(x, {}), x));
}

TEST(ZeroBranches, LeaveTheOtherBlocks) {
  StagedModel model = make_initialised(target_spec(tiny_model_config()));
  StagedModel untouched = make_initialised(target_spec(tiny_model_config()));
  zero_branches(model.stage(0), 1);
  const auto before = untouched.stage(0).named_parameters();
  for (const ParameterInfo& p : model.list_parameters(0)) {
    const bool is_zero = p.name.starts_with("blocks.1.attn.proj.") || p.name.starts_with("blocks.1.mlp.fc2.");
    EXPECT_TRUE(torch::equal(p.tensor, is_zero ? torch::zeros_like(p.tensor) : before[p.name])) << p.name;
  }
}

}  // namespace
}  // namespace incubate
