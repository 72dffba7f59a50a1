#include "model/vit_stage.h"

#include <cmath>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "support/tiny_model.h"

namespace incubate {
namespace {

std::int64_t num_values(StagedModel& model) {
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < model.num_stages(); ++i) {
    for (const ParameterInfo& parameter : model.list_parameters(i)) count += parameter.tensor.numel();
  }
  return count;
}

/// Returns the number of weights of a vision transformer, layer by layer.
std::int64_t expected_values(const ModelSpec& s) {
  const std::int64_t d = s.width, hidden = s.mlp_ratio * s.width;
  const std::int64_t embedding = (s.channels * s.patch * s.patch * d + d) + d + (s.num_tokens() * d);
  const std::int64_t block =
      (2 * d) + (3 * d * d + 3 * d) + (d * d + d) + (2 * d) + (d * hidden + hidden) + (hidden * d + d);
  return embedding + (s.num_blocks() * block) + (2 * d) + (s.classes * d + s.classes);
}

std::vector<ModelSpec> several_specs() {
  return {{{Family::vit, 8, 1, 3, 4, 8, 2, 2}, {2, 1, 2}},
          {{Family::vit, 12, 3, 10, 4, 12, 3, 4}, {1, 1}},
          {{Family::vit, 28, 1, 2, 7, 16, 1, 1}, {1, 2, 1, 1}},
          {{Family::vit, 16, 2, 5, 16, 4, 4, 3}, {3, 1}}};
}

TEST(VitStage, ImagesBecomeTokensBecomeLogits) {
  const torch::NoGradGuard no_grad;
  for (const ModelSpec& spec : several_specs()) {
    StagedModel model = make_initialised(spec);
    const torch::Tensor images = torch::ones({2, spec.channels, spec.image_size, spec.image_size});
    const std::vector<torch::Tensor> outputs = stage_outputs(model, images, {});
    ASSERT_EQ(outputs.size(), spec.depths.size());
    for (std::size_t i = 0; i + 1 < outputs.size(); ++i) {
      EXPECT_EQ(outputs[i].sizes().vec(), (std::vector<std::int64_t>{2, spec.num_tokens(), spec.width}));
    }
    EXPECT_EQ(outputs.back().sizes().vec(), (std::vector<std::int64_t>{2, 1, spec.width}));
    EXPECT_EQ(model.forward(images, {}).sizes().vec(), (std::vector<std::int64_t>{2, spec.classes}));
  }
}

TEST(VitStage, NumberOfWeights) {
  for (const ModelSpec& spec : several_specs()) {
    StagedModel model = make_classifier(spec);
    EXPECT_EQ(num_values(model), expected_values(spec));
  }
  StagedModel vit_base = make_classifier(target_spec(ModelConfig{}));
  EXPECT_EQ(num_values(vit_base), 86567656);  // timm's vit_base_patch16_224
}

TEST(VitStage, ParametersHaveTimmsNamesAndAscendFromInputToOutput) {
  StagedModel model = make_classifier(target_spec(tiny_model_config()));
  const auto names = [&](std::int64_t stage) {
    std::vector<std::pair<std::string, std::int64_t>> list;
    for (const ParameterInfo& p : model.list_parameters(stage)) list.emplace_back(p.name, p.layer);
    std::ranges::sort(list);
    return list;
  };
  const auto block = [](std::int64_t i) {
    std::vector<std::pair<std::string, std::int64_t>> list;
    for (const char* name : {"norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2"}) {
      for (const char* kind : {".weight", ".bias"}) {
        list.emplace_back("blocks." + std::to_string(i) + "." + name + kind, i + 1);
      }
    }
    return list;
  };
  const auto joined = [](auto a, const auto& b, const auto& c) {
    a.insert(a.end(), b.begin(), b.end());
    a.insert(a.end(), c.begin(), c.end());
    std::ranges::sort(a);
    return a;
  };
  using Names = std::vector<std::pair<std::string, std::int64_t>>;
  const Names first = {
      {"cls_token", 0}, {"pos_embed", 0}, {"patch_embed.proj.weight", 0}, {"patch_embed.proj.bias", 0}};
  const Names last = {{"norm.weight", 3}, {"norm.bias", 3}, {"head.weight", 3}, {"head.bias", 3}};
  EXPECT_EQ(names(0), joined(first, block(0), block(1)));
  EXPECT_EQ(names(1), joined(Names{}, block(0), Names{}));
  EXPECT_EQ(names(2), joined(last, block(0), block(1)));
}

TEST(VitStage, WeightsOfLinearLayersAndPatchesDecayAndNothingElse) {
  StagedModel model = make_classifier(target_spec(tiny_model_config()));
  for (std::int64_t i = 0; i < 3; ++i) {
    for (const ParameterInfo& p : model.list_parameters(i)) {
      const bool is_norm = p.name.find("norm") != std::string::npos;
      const bool is_linear = p.name.ends_with(".weight") && !is_norm;
      EXPECT_EQ(p.decays, is_linear) << p.name;
    }
  }
}

TEST(VitStage, FirstWeightsHaveTheStatedStatistics) {
  ModelSpec spec = target_spec(tiny_model_config());
  spec.width = 64;
  spec.channels = 4;
  StagedModel model = make_initialised(spec);
  for (std::int64_t i = 0; i < 3; ++i) {
    for (const ParameterInfo& p : model.list_parameters(i)) {
      const torch::Tensor values = p.tensor.detach().flatten().to(torch::kFloat64);
      const auto count = static_cast<double>(values.numel());
      const auto mean = values.mean().item<double>();
      const auto mean_square = values.square().mean().item<double>();
      const bool is_norm = p.name.find("norm") != std::string::npos;
      if (p.name.starts_with("patch_embed.")) {
        // Uniform in +-1/8, the fan-in being 4 channels of 4 x 4: variance bound^2 / 3, of the square bound^4 * 4/45.
        EXPECT_LE(values.abs().max().item<double>(), 0.125) << p.name;
        EXPECT_NEAR(mean_square, 0.125 * 0.125 / 3, 5 * 0.125 * 0.125 * std::sqrt(4.0 / 45 / count)) << p.name;
      } else if (is_norm || p.name.ends_with(".bias")) {
        const double expected = is_norm && p.name.ends_with(".weight") ? 1 : 0;
        EXPECT_TRUE((values == expected).all().item<bool>()) << p.name;
      } else {
        EXPECT_NEAR(mean, 0, 5 * 0.02 / std::sqrt(count)) << p.name;
        EXPECT_NEAR(mean_square, 0.0004, 5 * 0.0004 * std::sqrt(2 / count)) << p.name;
      }
    }
  }
}

TEST(VitStage, FactorsOfTheBranchesBeginAtTheirValueAndDoNotDecay) {
  ModelConfig config = tiny_model_config();
  config.layer_scale = 0.25;
  StagedModel model = make_initialised(target_spec(config));
  std::vector<std::string> names;
  for (const ParameterInfo& p : model.list_parameters(2)) {
    if (!p.name.ends_with(".gamma")) continue;
    names.push_back(p.name);
    EXPECT_TRUE(torch::equal(p.tensor, torch::full({config.width}, 0.25))) << p.name;
    EXPECT_FALSE(p.decays) << p.name;
    EXPECT_EQ(p.layer, 1 + (p.name[7] - '0')) << p.name;
  }
  EXPECT_EQ(names, (std::vector<std::string>{"blocks.0.ls1.gamma", "blocks.0.ls2.gamma", "blocks.1.ls1.gamma",
                                             "blocks.1.ls2.gamma"}));
}

TEST(VitStage, QueriesKeysAndValuesMayLackABias) {
  ModelConfig config = tiny_model_config();
  config.qkv_bias = false;
  StagedModel model = make_initialised(target_spec(config));
  for (const ParameterInfo& p : model.list_parameters(2)) {
    EXPECT_FALSE(p.name.ends_with("qkv.bias")) << p.name;
  }
}

TEST(VitStage, FirstWeightsDependOnTheAddressAlone) {
  const ModelConfig config = tiny_model_config();
  const auto weight = [](const ModelSpec& spec, std::uint64_t seed, Phase phase, std::int64_t stage) {
    StagedModel model = make_classifier(spec);
    model.stage(1).initialise(seed, phase, stage);
    for (const ParameterInfo& p : model.list_parameters(1)) {
      if (p.name == "blocks.0.attn.qkv.weight") return p.tensor.detach().clone();
    }
    return torch::Tensor();
  };
  const torch::Tensor base = weight(target_spec(config), 1, Phase::meta, 1);
  EXPECT_TRUE(torch::equal(base, weight(target_spec(config), 1, Phase::meta, 1)));
  EXPECT_TRUE(torch::equal(base, weight(meta_spec(config), 1, Phase::meta, 1)));  // whatever the other stages' depths
  EXPECT_FALSE(torch::equal(base, weight(target_spec(config), 2, Phase::meta, 1)));
  EXPECT_FALSE(torch::equal(base, weight(target_spec(config), 1, Phase::incubation, 1)));
  EXPECT_FALSE(torch::equal(base, weight(target_spec(config), 1, Phase::meta, 2)));
}

TEST(VitStage, BlocksOfAStageStartDifferently) {
  StagedModel model = make_initialised(target_spec(tiny_model_config()));
  std::map<std::string, torch::Tensor> weights;
  for (const ParameterInfo& p : model.list_parameters(0)) weights[p.name] = p.tensor;
  EXPECT_FALSE(torch::equal(weights.at("blocks.0.mlp.fc1.weight"), weights.at("blocks.1.mlp.fc1.weight")));
}

// With attention and MLP switched off by their scales, blocks pass tokens on: logits follow from embedding, norm and
// head.
TEST(VitStage, WithoutBranchesTheClassTokenGoesStraightToTheHead) {
  const torch::NoGradGuard no_grad;
  const ModelSpec spec = target_spec(tiny_model_config());
  StagedModel model = make_initialised(spec);
  std::map<std::string, torch::Tensor> first, last;
  for (const ParameterInfo& p : model.list_parameters(0)) first[p.name] = p.tensor;
  for (const ParameterInfo& p : model.list_parameters(2)) last[p.name] = p.tensor;
  const torch::Tensor token = first.at("cls_token")[0][0] + first.at("pos_embed")[0][0];
  const torch::Tensor centred = token - token.mean();
  const torch::Tensor normed = centred / (centred.square().mean() + 1e-6).sqrt();
  const torch::Tensor expected = last.at("head.weight").mv(normed) + last.at("head.bias");
  const torch::Tensor logits =
      model.forward(torch::rand({2, 1, 8, 8}), keep_samples(torch::zeros({5, 2, 2}), torch::kCPU));
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(torch::allclose(logits[i], expected, 1e-5, 1e-6));
}

}  // namespace
}  // namespace incubate
