#include "model/resnet_plan.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "config/network.h"

namespace incubate {
namespace {

using Blocks = std::vector<ResidualBlockSpec>;
using Depths = std::vector<std::int64_t>;

ModelConfig resnet110(const Depths& depths, const Depths& meta_depths) {
  ModelConfig config;
  apply_preset("resnet110", config);
  config.depths = depths;
  config.meta_depths = meta_depths;
  return config;
}

/// Returns the first block of a group, which changes width and resolution except in the first group.
ResidualBlockSpec first_of(std::int64_t group) {
  const std::int64_t width = std::int64_t{16} << group;
  const std::int64_t side = std::int64_t{32} >> group;
  if (group == 0) return {0, 16, 16, 32, 32, 1};
  return {group, width / 2, width, 2 * side, side, 2};
}
ResidualBlockSpec plain_of(std::int64_t group) {
  const std::int64_t width = std::int64_t{16} << group;
  const std::int64_t side = std::int64_t{32} >> group;
  return {group, width, width, side, side, 1};
}

/// Returns the network of the paper, block by block.
Blocks all_blocks() {
  Blocks blocks;
  for (std::int64_t group = 0; group < 3; ++group) {
    blocks.push_back(first_of(group));
    blocks.insert(blocks.end(), 17, plain_of(group));
  }
  return blocks;
}

Blocks concatenate(const ModelSpec& spec) {
  Blocks blocks;
  for (std::int64_t i = 0; i < spec.num_stages(); ++i) {
    const Blocks more = list_residual_blocks(spec, i);
    EXPECT_EQ(more.size(), spec.depths[i]);
    blocks.insert(blocks.end(), more.begin(), more.end());
  }
  return blocks;
}

TEST(ResnetPlan, StagesOfTheTargetAreTheNetworkCutIntoPieces) {
  for (const Depths& depths : {Depths{18, 18, 18}, Depths{27, 27}, Depths{14, 13, 13, 14}, Depths{1, 52, 1}}) {
    const Depths meta(depths.size(), 2);
    EXPECT_EQ(concatenate(target_spec(resnet110(depths, meta))), all_blocks());
  }
}

TEST(ResnetPlan, AStageAtAnyDepthMapsTheSameShapesAndEndsInThem) {
  for (const Depths& depths : {Depths{18, 18, 18}, Depths{27, 27}, Depths{14, 13, 13, 14}, Depths{10, 34, 10}}) {
    const ModelSpec target = target_spec(resnet110(depths, depths));
    for (std::int64_t i = 0; i < target.num_stages(); ++i) {
      const Blocks full = list_residual_blocks(target, i);
      const auto num_strides = std::ranges::count(full, 2, &ResidualBlockSpec::stride);
      for (std::int64_t depth = std::max<std::int64_t>(1, num_strides); depth <= depths[i]; ++depth) {
        ModelSpec spec = target;
        spec.depths[i] = depth;
        const Blocks blocks = list_residual_blocks(spec, i);
        ASSERT_EQ(blocks.size(), depth);
        EXPECT_EQ(blocks.front().in_width, full.front().in_width);
        EXPECT_EQ(blocks.front().in_side, full.front().in_side);
        EXPECT_EQ(blocks.back().width, full.back().width);
        EXPECT_EQ(blocks.back().side, full.back().side);
        for (std::size_t k = 1; k < blocks.size(); ++k) {
          EXPECT_EQ(blocks[k].in_width, blocks[k - 1].width);
          EXPECT_EQ(blocks[k].in_side, blocks[k - 1].side);
        }
        for (std::int64_t group = 0; group < 3; ++group) {  // so that it can grow
          EXPECT_LE(std::ranges::count(blocks, group, &ResidualBlockSpec::group),
                    std::ranges::count(full, group, &ResidualBlockSpec::group));
        }
      }
    }
  }
}

TEST(ResnetPlan, OneBlockAStageKeepsTheStride) {
  EXPECT_EQ(concatenate(meta_spec(resnet110({18, 18, 18}, {1, 1, 1}))),
            (Blocks{first_of(0), first_of(1), first_of(2)}));
  // Cut in the middle of the second group, which the first stage begins.
  EXPECT_EQ(concatenate(meta_spec(resnet110({27, 27}, {1, 1}))), (Blocks{first_of(1), first_of(2)}));
  EXPECT_EQ(concatenate(meta_spec(resnet110({14, 13, 13, 14}, {1, 1, 1, 1}))),
            (Blocks{plain_of(0), first_of(1), first_of(2), plain_of(2)}));
}

TEST(ResnetPlan, OtherBlocksAreDealtInProportionByLargestRemainder) {
  const auto counts = [](const Depths& meta_depths) {
    return depths_text(meta_spec(resnet110({27, 27}, meta_depths)));
  };
  // Stage 0 has 18 blocks of the first group and, beside the stride's, 8 of the second: of 5 others 3.46 and 1.54.
  EXPECT_EQ(counts({6, 1}), "3+3+0,0+0+1");
  EXPECT_EQ(counts({5, 1}), "3+2+0,0+0+1");  // 2.77 and 1.23
  // Stage 1: 9 blocks of the second group and 17 others of the third: 1.73 and 3.27 of 5.
  EXPECT_EQ(counts({1, 6}), "0+1+0,0+2+4");
  EXPECT_EQ(counts({27, 27}), "18+9+0,0+9+18");
}

TEST(ResnetPlan, TextTellsNetworksApart) {
  EXPECT_EQ(depths_text(hybrid_spec(resnet110({18, 18, 18}, {1, 1, 1}), 1)), "1+0+0,0+18+0,0+0+1");
  ModelSpec vit;
  vit.depths = {3, 1, 1};
  EXPECT_EQ(depths_text(vit), "3,1,1");
}

TEST(ResnetPlan, TooFewOrTooManyBlocksAreAnError) {
  ModelSpec spec = target_spec(resnet110({1, 52, 1}, {1, 2, 1}));
  spec.depths = {1, 1, 1};  // two strides
  EXPECT_THROW(list_residual_blocks(spec, 1), c10::Error);
  spec.depths = {2, 52, 1};
  EXPECT_THROW(list_residual_blocks(spec, 0), c10::Error);
}

}  // namespace
}  // namespace incubate
