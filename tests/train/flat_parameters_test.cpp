#include "train/flat_parameters.h"

#include <algorithm>
#include <array>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "support/tiny_model.h"
#include "support/tiny_resnet.h"

namespace incubate {
namespace {

/// Returns the parameters of a stage by name.
std::map<std::string, ParameterInfo> parameters_of(StagedModel& model, std::int64_t stage) {
  std::map<std::string, ParameterInfo> map;
  for (const ParameterInfo& p : model.list_parameters(stage)) map.emplace(p.name, p);
  return map;
}

class FlatParametersTest : public testing::Test {
 protected:
  StagedModel original_ = make_initialised(target_spec(tiny_model_config()));
  StagedModel model_ = make_initialised(target_spec(tiny_model_config()));
};

TEST_F(FlatParametersTest, EveryLearningParameterHasAViewWithItsValues) {
  model_.set_learning({true, false, true});
  FlatParameters flat(model_, torch::kCPU);
  std::size_t num_parameters = 0;
  for (const std::int64_t stage : {0, 2}) num_parameters += parameters_of(model_, stage).size();
  EXPECT_EQ(flat.views().size(), num_parameters);
  for (const FlatView& view : flat.views()) {
    EXPECT_NE(view.stage, 1);
    EXPECT_TRUE(torch::equal(view.of(flat.values()), parameters_of(original_, view.stage).at(view.name).tensor))
        << view.name;
  }
}

TEST_F(FlatParametersTest, BufferAndParametersAreTheSameMemory) {
  FlatParameters flat(model_, torch::kCPU);
  flat.values().fill_(7);
  flat.gradients().fill_(9);
  for (std::int64_t i = 0; i < 3; ++i) {
    for (const auto& [name, p] : parameters_of(model_, i)) {
      EXPECT_TRUE((p.tensor == 7).all().item<bool>()) << name;
      EXPECT_TRUE((p.tensor.grad() == 9).all().item<bool>()) << name;
    }
  }
}

TEST_F(FlatParametersTest, ViewsAreAlignedDisjointAndFillTheBuffer) {
  FlatParameters flat(model_, torch::kCPU);
  std::int64_t end = 0;
  for (const FlatView& view : flat.views()) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(view.of(flat.values()).data_ptr()) % 64, 0) << view.name;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(view.of(flat.gradients()).data_ptr()) % 64, 0) << view.name;
    EXPECT_EQ(view.offset, end);
    end = (view.offset + view.of(flat.values()).numel() + 15) / 16 * 16;
  }
  EXPECT_EQ(end, flat.size());
  EXPECT_EQ(flat.gradients().numel(), flat.size());
}

TEST_F(FlatParametersTest, OrderIsStageThenLayerThenDecay) {
  FlatParameters flat(model_, torch::kCPU);
  std::vector<std::tuple<std::int64_t, std::int64_t, bool>> order;
  for (const FlatView& view : flat.views()) {
    const ParameterInfo p = parameters_of(model_, view.stage).at(view.name);
    order.emplace_back(view.stage, p.layer, !p.decays);
  }
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

/// Returns the layers between a parameter and the output, in a model of 2, 1 and 2 blocks. Block b of the model is
/// layer b + 1, the head layer 6.
std::int64_t expected_layers_behind(const FlatView& view) {
  const std::int64_t first_block = std::array{0, 2, 3}.at(view.stage);
  if (view.name.starts_with("blocks.")) return 6 - (first_block + std::stoll(view.name.substr(7)) + 1);
  if (view.name.starts_with("norm.")) return 1;  // with the last block, as timm has it
  return view.name.starts_with("head.") ? 0 : 6;
}

TEST_F(FlatParametersTest, SegmentsCoverTheBufferAndSeparateDecayAndLayers) {
  FlatParameters flat(model_, torch::kCPU);
  std::int64_t end = 0;
  for (std::size_t i = 0; i < flat.segments().size(); ++i) {
    const Segment& segment = flat.segments()[i];
    EXPECT_EQ(segment.begin, end);
    EXPECT_GT(segment.end, segment.begin);
    if (i > 0) {
      const Segment& before = flat.segments()[i - 1];
      EXPECT_TRUE(segment.decays != before.decays || segment.layers_behind != before.layers_behind);
    }
    end = segment.end;
  }
  EXPECT_EQ(end, flat.size());
  for (const FlatView& view : flat.views()) {
    const auto segment = std::ranges::find_if(
        flat.segments(), [&](const Segment& s) { return view.offset >= s.begin && view.offset < s.end; });
    EXPECT_EQ(segment->decays, parameters_of(model_, view.stage).at(view.name).decays) << view.name;
    EXPECT_EQ(segment->layers_behind, expected_layers_behind(view)) << view.stage << ": " << view.name;
  }
}

TEST_F(FlatParametersTest, LayersCountThroughFrozenStages) {
  model_.set_learning({false, true, false});
  const FlatParameters flat(model_, torch::kCPU);
  for (const Segment& segment : flat.segments()) EXPECT_EQ(segment.layers_behind, 3);
}

TEST_F(FlatParametersTest, BackwardAddsToTheBuffer) {
  torch::manual_seed(4);
  const torch::Tensor images = torch::randn({2, 1, 8, 8});
  FlatParameters flat(model_, torch::kCPU);
  original_.forward(images, {}).square().sum().backward();
  model_.forward(images, {}).square().sum().backward();
  for (const FlatView& view : flat.views()) {
    EXPECT_TRUE(
        torch::equal(view.of(flat.gradients()), parameters_of(original_, view.stage).at(view.name).tensor.grad()))
        << view.name;
  }
  const torch::Tensor once = flat.gradients().clone();
  model_.forward(images, {}).square().sum().backward();
  EXPECT_TRUE(torch::equal(flat.gradients(), 2 * once));
  EXPECT_GT(once.abs().max().item<float>(), 0);
}

TEST_F(FlatParametersTest, FrozenParametersKeepTheirOwnMemory) {
  model_.set_learning({false, true, false});
  FlatParameters flat(model_, torch::kCPU);
  flat.values().fill_(7);
  for (const std::int64_t stage : {0, 2}) {
    for (const auto& [name, p] : parameters_of(model_, stage)) {
      EXPECT_TRUE(torch::equal(p.tensor, parameters_of(original_, stage).at(name).tensor)) << name;
    }
  }
}

/// A residual network in which the first and the last stage learn.
class FlatStatistics : public testing::Test {
 protected:
  FlatStatistics() { model_.set_learning({true, false, true}); }

  StagedModel original_ = make_initialised(target_spec(tiny_resnet_config()));
  StagedModel model_ = make_initialised(target_spec(tiny_resnet_config()));
};

TEST_F(FlatStatistics, FollowTheParametersAndAreNoneOfThem) {
  FlatParameters flat(model_, torch::kCPU);
  const std::int64_t end_of_parameters = flat.segments().back().end;
  EXPECT_EQ(flat.gradients().numel(), end_of_parameters);
  EXPECT_EQ(flat.running_statistics().numel(), flat.size() - end_of_parameters);
  EXPECT_EQ(flat.batch_statistics().numel(), flat.size() - end_of_parameters);
  EXPECT_EQ(flat.addends().numel(), flat.size());
  std::size_t num_parameters = 0, num_statistics = 0;
  for (const std::int64_t stage : {0, 2}) {
    num_parameters += model_.list_parameters(stage).size();
    num_statistics += model_.stage(stage).list_statistics().size();
  }
  EXPECT_EQ(flat.parameter_views().size(), num_parameters);
  EXPECT_EQ(flat.views().size(), num_parameters + num_statistics);
  for (std::size_t i = 0; i < flat.views().size(); ++i) {
    const FlatView& view = flat.views()[i];
    EXPECT_EQ(view.offset >= end_of_parameters, i >= num_parameters) << view.name;
    EXPECT_EQ(view.offset % 16, 0) << view.name;
    const auto state = original_.list_state(view.stage);
    const auto found = std::ranges::find(state, view.name, &NamedTensor::name);
    ASSERT_NE(found, state.end()) << view.name;
    EXPECT_TRUE(torch::equal(view.of(flat.values()), found->tensor)) << view.name;
  }
}

TEST_F(FlatStatistics, AreTheSameMemoryAsThoseOfTheNorms) {
  FlatParameters flat(model_, torch::kCPU);
  flat.running_statistics().fill_(7);
  flat.batch_statistics().fill_(9);
  for (std::int64_t i = 0; i < 3; ++i) {
    for (const StatisticInfo& s : model_.stage(i).list_statistics()) {
      EXPECT_EQ((s.running == 7).all().item<bool>(), i != 1) << s.name;
      EXPECT_EQ((s.batch == 9).all().item<bool>(), i != 1) << s.name;
    }
  }
}

TEST_F(FlatStatistics, AForwardPassWritesThemBesideTheGradients) {
  FlatParameters flat(model_, torch::kCPU);
  torch::manual_seed(4);
  const torch::Tensor images = torch::randn({2, 1, 8, 8});
  original_.forward(images, {});
  model_.forward(images, {});
  EXPECT_FALSE(flat.gradients().any().item<bool>());
  for (const FlatView& view : flat.views()) {
    for (const StatisticInfo& s : original_.stage(view.stage).list_statistics()) {
      EXPECT_TRUE(s.name != view.name || torch::equal(view.of(flat.addends()), s.batch)) << s.name;
    }
  }
  EXPECT_TRUE(flat.batch_statistics().any().item<bool>());
  StagedModel fresh = make_initialised(target_spec(tiny_resnet_config()));
  fresh.set_learning({true, false, true});
  EXPECT_TRUE(torch::equal(flat.values(), FlatParameters(fresh, torch::kCPU).values()));
}

TEST_F(FlatParametersTest, AVisionTransformerHasNoStatistics) {
  FlatParameters flat(model_, torch::kCPU);
  EXPECT_EQ(flat.running_statistics().numel(), 0);
  EXPECT_EQ(flat.gradients().numel(), flat.size());
  EXPECT_EQ(flat.parameter_views().size(), flat.views().size());
}

}  // namespace
}  // namespace incubate
