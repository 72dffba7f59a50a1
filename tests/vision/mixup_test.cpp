#include "vision/mixup.h"

#include <cmath>

#include <gtest/gtest.h>

namespace incubate {
namespace {

Generator generator(std::uint64_t i) { return make_generator(1, Purpose::mixup, {i}); }

TEST(Mixup, BetaHasItsMeanAndVariance) {
  for (const double alpha : {0.2, 0.8, 1.0, 3.0}) {
    constexpr int kDraws = 40000;
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < kDraws; ++i) {
      Generator g = generator(i);
      const double x = draw_symmetric_beta(g, alpha);
      EXPECT_TRUE(x >= 0 && x <= 1);
      sum += x;
      squares += (x - 0.5) * (x - 0.5);
    }
    const double variance = 1 / (4 * ((2 * alpha) + 1));
    EXPECT_NEAR(sum / kDraws, 0.5, 5 * std::sqrt(variance / kDraws)) << alpha;
    EXPECT_NEAR(squares / kDraws, variance, 0.05 * variance) << alpha;
  }
}

TEST(Mixup, EachOfTheTwoComesHalfTheTime) {
  int num_boxes = 0;
  for (int i = 0; i < 10000; ++i) {
    Generator g = generator(i);
    num_boxes += draw_mixing(g, {.mixup_alpha = 0.8, .cutmix_alpha = 1}, 8, 8).is_box ? 1 : 0;
  }
  EXPECT_NEAR(num_boxes, 5000, 5 * 50);  // five standard deviations
  for (int i = 0; i < 20; ++i) {
    Generator g = generator(i);
    EXPECT_FALSE(draw_mixing(g, {.mixup_alpha = 0.8}, 8, 8).is_box);
    EXPECT_TRUE(draw_mixing(g, {.cutmix_alpha = 1}, 8, 8).is_box);
  }
}

TEST(Mixup, AreaOfABoxIsWhatTheOtherLabelWeighs) {
  double sum = 0;
  for (int i = 0; i < 2000; ++i) {
    Generator g = generator(i);
    const Mixing m = draw_mixing(g, {.cutmix_alpha = 1}, 20, 10);
    EXPECT_TRUE(0 <= m.box.top && 0 <= m.box.height && m.box.top + m.box.height <= 20);
    EXPECT_TRUE(0 <= m.box.left && 0 <= m.box.width && m.box.left + m.box.width <= 10);
    const auto area = static_cast<double>(m.box.height * m.box.width);
    EXPECT_DOUBLE_EQ(m.weight, 1 - (area / 200));
    sum += m.weight;
  }
  EXPECT_GT(sum / 2000, 0.55);  // clipping at the borders keeps more than half
}

}  // namespace
}  // namespace incubate
