#include "config/network.h"

#include <numeric>

#include <gtest/gtest.h>

#include "base/check.h"
#include "config/run_config.h"
#include "config/validate.h"

namespace incubate {
namespace {

ModelConfig preset(const std::string& name) {
  ModelConfig config;
  config.heads = 77;  // a preset leaves nothing of what was there
  config.meta_depths = {9};
  apply_preset(name, config);
  return config;
}

struct Expected {
  std::string preset;
  std::int64_t width, depth, heads, patch, image_size, classes;
  std::int64_t hidden = 4 * width;
};

TEST(NetworkPreset, NetworksOfTheLiterature) {
  for (const Expected& e :
       {Expected{"vit_b16", 768, 12, 12, 16, 224, 1000}, Expected{"vit_l16", 1024, 24, 16, 16, 224, 1000},
        Expected{"vit_h14", 1280, 32, 16, 14, 224, 1000}, Expected{"vit_b16_384", 768, 12, 12, 16, 384, 1000},
        Expected{"vit_l16_384", 1024, 24, 16, 16, 384, 1000}, Expected{"vit_h14_392", 1280, 32, 16, 14, 392, 1000},
        Expected{"deit_ti", 192, 12, 3, 16, 224, 1000}, Expected{"deit_s", 384, 12, 6, 16, 224, 1000},
        Expected{"vit_small_patch16_224", 384, 12, 6, 16, 224, 1000},
        Expected{"vit_base_patch16_384", 768, 12, 12, 16, 384, 1000},
        Expected{"vit_giant_patch14_224", 1408, 40, 16, 14, 224, 1000, 6144},
        Expected{"vit_gigantic_patch14_224", 1664, 48, 16, 14, 224, 1000, 8192},
        Expected{"deit_t32", 192, 32, 3, 4, 32, 100}, Expected{"deit_t128", 192, 128, 3, 4, 32, 100}}) {
    const ModelConfig c = preset(e.preset);
    EXPECT_EQ(c.preset, e.preset);
    EXPECT_EQ(c.family, Family::vit);
    EXPECT_EQ(c.width, e.width);
    EXPECT_EQ(c.depths, std::vector<std::int64_t>(4, e.depth / 4));
    EXPECT_EQ(c.meta_depths, std::vector<std::int64_t>(4, 1));
    EXPECT_EQ(c.heads, e.heads);
    EXPECT_EQ(c.patch, e.patch);
    EXPECT_EQ(c.image_size, e.image_size);
    EXPECT_EQ(c.classes, e.classes);
    EXPECT_EQ(c.channels, 3);
    EXPECT_EQ(c.hidden(), e.hidden);
    EXPECT_EQ(c.layer_scale, 0);
    const bool is_huge = e.preset.starts_with("vit_h14");
    EXPECT_EQ(c.qkv_bias, !is_huge);
    EXPECT_EQ(c.norm_eps, is_huge ? 1e-5 : 1e-6);
    RunConfig run;
    run.model = c;
    EXPECT_NO_THROW(validate_without_data_file(run));
  }
}

TEST(NetworkPreset, CustomLeavesEverything) {
  EXPECT_EQ(preset("custom").heads, 77);
  EXPECT_EQ(preset("custom").meta_depths, std::vector<std::int64_t>{9});
}

TEST(NetworkPreset, Resnet110HasThreeGroupsOfEighteenBlocks) {
  const ModelConfig c = preset("resnet110");
  EXPECT_EQ(c.family, Family::resnet);
  EXPECT_EQ(c.widths, (std::vector<std::int64_t>{16, 32, 64}));
  EXPECT_EQ(c.group_depth, 18);
  EXPECT_EQ(c.depths, (std::vector<std::int64_t>{18, 18, 18}));
  EXPECT_EQ(c.meta_depths, (std::vector<std::int64_t>{1, 1, 1}));
  EXPECT_EQ(c.image_size, 32);
  EXPECT_EQ(c.classes, 100);
  EXPECT_EQ(c.norm_eps, 1e-5);
  RunConfig run;
  run.model = c;
  EXPECT_NO_THROW(validate_without_data_file(run));
}

TEST(NetworkPreset, EveryOneHasAName) { EXPECT_EQ(list_presets().size(), 24); }

}  // namespace
}  // namespace incubate
