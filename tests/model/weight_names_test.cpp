#include "model/weight_names.h"

#include <gtest/gtest.h>

#include "support/tiny_model.h"
#include "support/tiny_resnet.h"

namespace incubate {
namespace {

TEST(WeightNames, TimmCountsBlocksThroughAllStages) {
  const ModelSpec spec = target_spec(tiny_model_config());  // 2, 1 and 2 blocks
  const auto name = [&](std::int64_t stage, const std::string& parameter) {
    return weight_name(WeightFormat::timm, spec, stage, parameter);
  };
  EXPECT_EQ(name(0, "patch_embed.proj.weight"), "patch_embed.proj.weight");
  EXPECT_EQ(name(0, "blocks.1.mlp.fc1.bias"), "blocks.1.mlp.fc1.bias");
  EXPECT_EQ(name(1, "blocks.0.norm1.weight"), "blocks.2.norm1.weight");
  EXPECT_EQ(name(2, "blocks.1.attn.qkv.weight"), "blocks.4.attn.qkv.weight");
  EXPECT_EQ(name(2, "head.bias"), "head.bias");
}

TEST(WeightNames, TheReferenceNamesTheStage) {
  const ModelSpec spec = target_spec(tiny_model_config());
  EXPECT_EQ(weight_name(WeightFormat::reference, spec, 0, "cls_token"), "stages.0.cls_token");
  EXPECT_EQ(weight_name(WeightFormat::reference, spec, 2, "blocks.1.attn.qkv.weight"),
            "stages.2.blocks.1.attn.qkv.weight");
}

TEST(WeightNames, TorchvisionCountsTheBlocksOfAGroupThroughAllStages) {
  const ModelConfig config = two_stage_resnet_config();  // stage 0: two blocks of group 1, one of group 2
  const auto name = [&](const ModelSpec& spec, std::int64_t stage, const std::string& parameter) {
    return weight_name(WeightFormat::timm, spec, stage, parameter);
  };
  const ModelSpec target = target_spec(config);
  EXPECT_EQ(name(target, 0, "conv1.weight"), "conv1.weight");
  EXPECT_EQ(name(target, 0, "bn1.running_mean"), "bn1.running_mean");
  EXPECT_EQ(name(target, 0, "blocks.1.conv2.weight"), "layer1.1.conv2.weight");
  EXPECT_EQ(name(target, 0, "blocks.2.bn1.running_var"), "layer2.0.bn1.running_var");
  EXPECT_EQ(name(target, 1, "blocks.0.conv1.weight"), "layer2.1.conv1.weight");
  EXPECT_EQ(name(target, 1, "blocks.2.bn2.bias"), "layer3.1.bn2.bias");
  EXPECT_EQ(name(target, 1, "fc.bias"), "fc.bias");
  const ModelSpec meta = meta_spec(config);  // a block of stride 2 each
  EXPECT_EQ(name(meta, 0, "blocks.0.conv1.weight"), "layer2.0.conv1.weight");
  EXPECT_EQ(name(meta, 1, "blocks.0.conv1.weight"), "layer3.0.conv1.weight");
  EXPECT_TRUE(has_names(WeightFormat::timm, target));
  EXPECT_FALSE(has_names(WeightFormat::reference, target));
  EXPECT_TRUE(has_names(WeightFormat::reference, target_spec(tiny_model_config())));
}

}  // namespace
}  // namespace incubate
