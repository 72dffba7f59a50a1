#include "model/spec.h"

#include <gtest/gtest.h>

#include "config/network.h"
#include "support/tiny_model.h"

namespace incubate {
namespace {

using Depths = std::vector<std::int64_t>;

TEST(Spec, TargetMetaAndHybridDifferInDepthsOnly) {
  const ModelConfig config = tiny_model_config();
  EXPECT_EQ(target_spec(config).depths, (Depths{2, 1, 2}));
  EXPECT_EQ(meta_spec(config).depths, (Depths{1, 1, 1}));
  EXPECT_EQ(hybrid_spec(config, 0).depths, (Depths{2, 1, 1}));
  EXPECT_EQ(hybrid_spec(config, 1).depths, (Depths{1, 1, 1}));
  EXPECT_EQ(hybrid_spec(config, 2).depths, (Depths{1, 1, 2}));
  for (const ModelSpec& spec : {target_spec(config), meta_spec(config), hybrid_spec(config, 2)}) {
    EXPECT_EQ(spec.image_size, 8);
    EXPECT_EQ(spec.channels, 1);
    EXPECT_EQ(spec.classes, 3);
    EXPECT_EQ(spec.patch, 4);
    EXPECT_EQ(spec.width, 8);
    EXPECT_EQ(spec.heads, 2);
    EXPECT_EQ(spec.mlp_ratio, 2);
  }
}

TEST(Spec, CountsBlocksAndTokens) {
  const ModelSpec spec = target_spec(tiny_model_config());
  EXPECT_EQ(spec.num_stages(), 3);
  EXPECT_EQ(spec.num_blocks(), 5);
  EXPECT_EQ(spec.num_tokens(), 5);
  EXPECT_EQ(target_spec(ModelConfig{}).num_tokens(), 197);
}

// ViT-B/16 at 224 pixels, product by product: 197 tokens, width 768, 12 heads of 64, MLP of 3072.
TEST(Spec, BlockFlopsOfVitBase) {
  constexpr double kTokens = 197;
  const double qkv = 2 * kTokens * 768 * 2304;
  const double scores = 12 * (2 * kTokens * 64 * kTokens);
  const double mixing = 12 * (2 * kTokens * kTokens * 64);
  const double projection = 2 * kTokens * 768 * 768;
  const double mlp = (2 * kTokens * 768 * 3072) + (2 * kTokens * 3072 * 768);
  const ModelSpec spec = target_spec(ModelConfig{});
  EXPECT_EQ(block_forward_flops(spec, 0, 0), qkv + scores + mixing + projection + mlp);
  EXPECT_NEAR(12 * block_forward_flops(spec, 0, 0), 34.9e9,
              0.05e9);  // 17.5 G multiply-adds, as ViT-B/16 is commonly stated
}

// Two convolutions a block; 252.4 M multiply-adds in all, to which stem and head would add half a million.
TEST(Spec, BlockFlopsOfResnet110) {
  ModelConfig config;
  apply_preset("resnet110", config);
  const ModelSpec spec = target_spec(config);
  EXPECT_EQ(block_forward_flops(spec, 0, 0), 2 * (2 * 32 * 32 * 9 * 16 * 16));
  EXPECT_EQ(block_forward_flops(spec, 1, 0), (2 * 16 * 16 * 9 * 16 * 32) + (2 * 16 * 16 * 9 * 32 * 32));
  EXPECT_EQ(block_forward_flops(spec, 2, 17), 2 * (2 * 8 * 8 * 9 * 64 * 64));
  EXPECT_NEAR(block_training_flops(spec, {true, true, true}) / 3, 2 * 252.4e6, 0.1e6);
  // The meta model: a block each, of which two halve the image.
  const double first = block_forward_flops(spec, 0, 0), strided = block_forward_flops(spec, 1, 0);
  EXPECT_EQ(block_forward_flops(spec, 2, 0), strided);
  EXPECT_EQ(block_training_flops(meta_spec(config), {false, true, false}), first + (3 * strided) + (2 * strided));
}

TEST(Spec, TrainingCostsOneForwardTwoActivationsThreeWeights) {
  ModelSpec spec = target_spec(tiny_model_config());
  spec.depths = {2, 3, 4};
  const double block = block_forward_flops(spec, 0, 0);
  EXPECT_EQ(block_training_flops(spec, {true, true, true}), (3 * 9) * block);
  EXPECT_EQ(block_training_flops(spec, {true, false, false}), ((3 * 2) + (2 * 3) + (2 * 4)) * block);
  EXPECT_EQ(block_training_flops(spec, {false, true, false}), ((1 * 2) + (3 * 3) + (2 * 4)) * block);
  EXPECT_EQ(block_training_flops(spec, {false, false, true}), ((1 * 2) + (1 * 3) + (3 * 4)) * block);
}

}  // namespace
}  // namespace incubate
