#include "model/weight_names.h"

#include <gtest/gtest.h>

#include "support/tiny_model.h"

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

}  // namespace
}  // namespace incubate
