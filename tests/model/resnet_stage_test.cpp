#include "model/resnet_stage.h"

#include <cmath>
#include <set>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "config/network.h"
#include "support/tiny_model.h"
#include "support/tiny_resnet.h"

namespace incubate {
namespace {

torch::Tensor resnet_images(std::int64_t side = 8) {
  torch::manual_seed(3);
  return torch::randn({4, 1, side, side});
}

torch::Tensor parameter(Stage& stage, const std::string& name) { return stage.named_parameters()[name]; }

TEST(ResnetStage, ImagesBecomeLogitsThroughTheStatedShapes) {
  StagedModel model = make_initialised(target_spec(tiny_resnet_config()));
  const std::vector<torch::Tensor> outputs = stage_outputs(model, resnet_images(), {});
  EXPECT_EQ(outputs[0].sizes(), (std::vector<std::int64_t>{4, 4, 8, 8}));
  EXPECT_EQ(outputs[1].sizes(), (std::vector<std::int64_t>{4, 8, 4, 4}));
  EXPECT_EQ(outputs[2].sizes(), (std::vector<std::int64_t>{4, 16, 2, 2}));
  EXPECT_EQ(model.forward(resnet_images(), {}).sizes(), (std::vector<std::int64_t>{4, 3}));
}

TEST(ResnetStage, OddImagesAreHalvedRoundingUp) {
  ModelConfig config = tiny_resnet_config();
  config.image_size = 9;
  StagedModel model = make_initialised(target_spec(config));
  const std::vector<torch::Tensor> outputs = stage_outputs(model, resnet_images(9), {});
  EXPECT_EQ(outputs[1].sizes(), (std::vector<std::int64_t>{4, 8, 5, 5}));
  EXPECT_EQ(outputs[2].sizes(), (std::vector<std::int64_t>{4, 16, 3, 3}));
}

TEST(ResnetStage, StagesOfAnyDepthAreInterchangeable) {
  const ModelConfig config = two_stage_resnet_config();
  const ModelSpec target = target_spec(config);
  StagedModel meta = make_initialised(meta_spec(config));
  StagedModel deep = make_initialised(target);
  const torch::Tensor x = meta.stage(0).forward(resnet_images(), {});
  EXPECT_EQ(x.sizes(), deep.stage(0).forward(resnet_images(), {}).sizes());
  EXPECT_EQ(deep.stage(1).forward(x, {}).sizes(), meta.stage(1).forward(x, {}).sizes());
}

// Cut into two stages, the parameters are the same, under other names.
TEST(ResnetStage, WhereStagesBeginMakesNoDifference) {
  StagedModel three = make_initialised(target_spec(tiny_resnet_config()));
  StagedModel two = make_classifier(target_spec(two_stage_resnet_config()));
  const torch::NoGradGuard no_grad;
  std::vector<NamedTensor> from, to;
  for (std::int64_t i = 0; i < 3; ++i) {
    for (const ParameterInfo& p : three.list_parameters(i)) from.push_back({p.name, p.tensor});
  }
  for (std::int64_t i = 0; i < 2; ++i) {
    for (const ParameterInfo& p : two.list_parameters(i)) to.push_back({p.name, p.tensor});
  }
  ASSERT_EQ(from.size(), to.size());
  for (std::size_t i = 0; i < from.size(); ++i) to[i].tensor.copy_(from[i].tensor);
  EXPECT_TRUE(torch::equal(two.forward(resnet_images(), {}), three.forward(resnet_images(), {})));
}

TEST(ResnetStage, NumberOfWeightsOfThePaper) {
  for (const auto& [classes, expected] : {std::pair{10, 1'727'962}, std::pair{100, 1'733'812}}) {
    ModelConfig config;
    apply_preset("resnet110", config);
    config.classes = classes;
    StagedModel model = make_classifier(target_spec(config));
    std::int64_t count = 0;
    for (std::int64_t i = 0; i < 3; ++i) {
      for (const ParameterInfo& p : model.list_parameters(i)) count += p.tensor.numel();
    }
    EXPECT_EQ(count, expected);
  }
}

TEST(ResnetStage, OnlyConvolutionsAndTheHeadDecayAndLayersAscend) {
  StagedModel model = make_classifier(target_spec(tiny_resnet_config()));
  for (std::int64_t i = 0; i < 3; ++i) {
    for (const ParameterInfo& p : model.list_parameters(i)) {
      const bool is_weight = p.name.ends_with(".weight") && p.name.find("bn") == std::string::npos;
      EXPECT_EQ(p.decays, is_weight) << p.name;
      const std::int64_t layer = p.name.starts_with("blocks.") ? 1 + *block_of(p.name)
                                 : p.name.starts_with("fc.")   ? 3
                                                               : 0;
      EXPECT_EQ(p.layer, layer) << p.name;
    }
  }
}

TEST(ResnetStage, EveryNormHasItsStatisticsAndTheStateHasThemToo) {
  StagedModel model = make_classifier(target_spec(tiny_resnet_config()));
  std::set<std::string> names;
  for (const StatisticInfo& s : model.stage(0).list_statistics()) names.insert(s.name);
  EXPECT_EQ(names, (std::set<std::string>{
                       "bn1.running_mean", "bn1.running_var", "blocks.0.bn1.running_mean", "blocks.0.bn1.running_var",
                       "blocks.0.bn2.running_mean", "blocks.0.bn2.running_var", "blocks.1.bn1.running_mean",
                       "blocks.1.bn1.running_var", "blocks.1.bn2.running_mean", "blocks.1.bn2.running_var"}));
  EXPECT_EQ(model.list_state(0).size(), names.size() + model.list_parameters(0).size());
}

TEST(ResnetStage, FirstWeightsHaveTheStatedStatistics) {
  ModelConfig config;
  apply_preset("resnet110", config);
  StagedModel model = make_initialised(target_spec(config));
  const torch::NoGradGuard no_grad;
  // Normal with variance 2 / (9 C): 36,864 values, so their root mean square is within 0.4 % (one deviation).
  const torch::Tensor weight = parameter(model.stage(2), "blocks.3.conv1.weight");
  EXPECT_NEAR(weight.square().mean().sqrt().item<double>(), std::sqrt(2.0 / (9 * 64)),
              0.02 * std::sqrt(2.0 / (9 * 64)));
  EXPECT_GT(weight.abs().max().item<double>(), 3 * std::sqrt(2.0 / (9 * 64)));
  // The fan-out is that of the channels made, not of those taken.
  const torch::Tensor first = parameter(model.stage(2), "blocks.0.conv1.weight");
  EXPECT_NEAR(first.square().mean().sqrt().item<double>(), std::sqrt(2.0 / (9 * 64)), 0.02 * std::sqrt(2.0 / (9 * 64)));
  for (const ParameterInfo& p : model.head().list_parameters()) {  // uniform in +- 1/8
    EXPECT_LE(p.tensor.abs().max().item<double>(), 0.125) << p.name;
    EXPECT_GT(p.tensor.abs().max().item<double>(), 0.12) << p.name;
  }
  EXPECT_TRUE((parameter(model.stage(0), "blocks.0.bn1.weight") == 1).all().item<bool>());
  EXPECT_FALSE(parameter(model.stage(0), "blocks.0.bn1.bias").any().item<bool>());
}

TEST(ResnetStage, FirstStatisticsAreZeroAndOneWhateverWasThere) {
  StagedModel model = make_classifier(target_spec(tiny_resnet_config()));
  for (StatisticInfo& s : model.stage(1).list_statistics()) s.running.fill_(5);
  model.initialise(1, 1, Phase::meta);
  for (const StatisticInfo& s : model.stage(1).list_statistics()) {
    EXPECT_TRUE((s.running == (s.name.ends_with("var") ? 1 : 0)).all().item<bool>()) << s.name;
  }
}

TEST(ResnetStage, ADroppedBranchLeavesTheShortcut) {
  StagedModel model = make_initialised(target_spec(tiny_resnet_config()));
  const torch::Tensor x = torch::randn({3, 4, 8, 8}).abs();
  torch::Tensor scales = torch::zeros({2, 2, 3});
  scales.select(1, 1).fill_(9);  // the second row is for networks with two branches a block
  torch::Tensor expected = torch::zeros({3, 8, 4, 4});
  expected.narrow(1, 0, 4).copy_(x.slice(2, 0, 8, 2).slice(3, 0, 8, 2));
  EXPECT_TRUE(torch::equal(model.stage(1).forward(x, keep_samples(scales, torch::kCPU)), expected));
  const torch::Tensor whole = model.stage(1).forward(x, {});
  EXPECT_TRUE(torch::equal(model.stage(1).forward(x, keep_samples(torch::ones({2, 2, 3}), torch::kCPU)), whole));
  EXPECT_FALSE(torch::equal(whole, expected));
}

TEST(ResnetStage, EvaluationGoesByRunningStatistics) {
  StagedModel model = make_initialised(target_spec(tiny_resnet_config()));
  const torch::NoGradGuard no_grad;
  const torch::Tensor in_training = model.forward(resnet_images(), {});
  model.eval();
  const torch::Tensor one = model.forward(resnet_images().narrow(0, 0, 1), {});
  const torch::Tensor all = model.forward(resnet_images(), {});
  // An image's logits do not depend on the others.
  EXPECT_TRUE(torch::allclose(all.narrow(0, 0, 1), one, 1e-4, 1e-5));
  EXPECT_FALSE(torch::allclose(all, in_training, 1e-2));
  model.train();
  EXPECT_TRUE(torch::equal(model.forward(resnet_images(), {}), in_training));
}

TEST(ResnetStage, FirstWeightsDependOnTheAddressAlone) {
  const auto weight = [](const ModelSpec& spec, std::uint64_t seed) {
    StagedModel model = make_classifier(spec);
    model.initialise(0, seed, Phase::meta);
    return parameter(model.stage(0), "blocks.0.conv1.weight").clone();
  };
  const ModelSpec target = target_spec(tiny_resnet_config());
  EXPECT_TRUE(torch::equal(weight(target, 1), weight(meta_spec(tiny_resnet_config()), 1)));
  EXPECT_FALSE(torch::equal(weight(target, 1), weight(target, 2)));
}

}  // namespace
}  // namespace incubate
