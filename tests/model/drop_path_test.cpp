#include "model/drop_path.h"

#include <cmath>

#include <gtest/gtest.h>
#include <torch/torch.h>

namespace incubate {
namespace {

TEST(DropPath, RatesRiseLinearly) {
  EXPECT_EQ(drop_path_rates(0.4, 5), (std::vector<double>{0, 0.1, 0.2, 0.4 * 3 / 4, 0.4}));
  EXPECT_EQ(drop_path_rates(0.4, 1), std::vector<double>{0});
  EXPECT_EQ(drop_path_rates(0, 3), (std::vector<double>{0, 0, 0}));
}

TEST(DropPath, NothingIsDrawnWhereNothingIsDropped) {
  EXPECT_FALSE(draw_branch_scales({0, 0, 0}, 4, 1, Phase::meta, 0, 0).defined());
}

TEST(DropPath, BranchesAreDroppedOrScaledUp) {
  const torch::Tensor scales = draw_branch_scales({0, 0.2, 0.75}, 1000, 1, Phase::meta, 0, 0);
  ASSERT_EQ(scales.sizes().vec(), (std::vector<std::int64_t>{3, 2, 1000}));
  EXPECT_TRUE((scales[0] == 1).all().item<bool>());
  EXPECT_TRUE(((scales[1] == 0) | (scales[1] == 1.25F)).all().item<bool>());
  EXPECT_TRUE(((scales[2] == 0) | (scales[2] == 4)).all().item<bool>());
}

TEST(DropPath, EveryBranchKeepsItsExpectedValue) {
  constexpr int kDraws = 20000;
  const torch::Tensor scales = draw_branch_scales({0.2, 0.75}, kDraws, 1, Phase::meta, 0, 0).to(torch::kFloat64);
  for (int block = 0; block < 2; ++block) {
    const double p = block == 0 ? 0.2 : 0.75;
    for (int branch = 0; branch < 2; ++branch) {
      // Five standard errors of a mean of numbers with the variance p / (1 - p).
      EXPECT_NEAR(scales[block][branch].mean().item<double>(), 1, 5 * std::sqrt(p / (1 - p) / kDraws));
    }
  }
}

TEST(DropPath, DrawsOfABlockDependOnItsPlaceOnly) {
  const torch::Tensor few = draw_branch_scales({0.5, 0.5}, 64, 1, Phase::incubation, 7, 3);
  const torch::Tensor many = draw_branch_scales({0.5, 0.5, 0.5, 0.5}, 64, 1, Phase::incubation, 7, 3);
  EXPECT_TRUE(torch::equal(many.narrow(0, 0, 2), few));
  const torch::Tensor other_rates = draw_branch_scales({0.1, 0.5}, 64, 1, Phase::incubation, 7, 3);
  EXPECT_TRUE(torch::equal(other_rates[1], few[1]));
}

TEST(DropPath, DrawsChangeWithEveryPartOfTheAddress) {
  const std::vector<double> rates = {0.5, 0.5};
  const torch::Tensor base = draw_branch_scales(rates, 64, 1, Phase::meta, 0, 0);
  EXPECT_TRUE(torch::equal(base, draw_branch_scales(rates, 64, 1, Phase::meta, 0, 0)));
  EXPECT_FALSE(torch::equal(base, draw_branch_scales(rates, 64, 2, Phase::meta, 0, 0)));
  EXPECT_FALSE(torch::equal(base, draw_branch_scales(rates, 64, 1, Phase::incubation, 0, 0)));
  EXPECT_FALSE(torch::equal(base, draw_branch_scales(rates, 64, 1, Phase::meta, 1, 0)));
  EXPECT_FALSE(torch::equal(base, draw_branch_scales(rates, 64, 1, Phase::meta, 0, 1)));
  EXPECT_FALSE(torch::equal(base[0], base[1]));
  EXPECT_FALSE(torch::equal(base[0][0], base[0][1]));
}

}  // namespace
}  // namespace incubate
