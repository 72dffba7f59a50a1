#include "vision/random_erasing.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace incubate {
namespace {

TEST(RandomErasing, BoxesLieWithinTheImage) {
  int num_boxes = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    Generator generator(i, 0);
    const std::optional<Box> box = draw_erased_box(generator, 1, 20, 30);
    if (!box) continue;
    ++num_boxes;
    EXPECT_TRUE(box->top >= 0 && box->left >= 0 && box->top + box->height <= 20 && box->left + box->width <= 30);
  }
  EXPECT_GT(num_boxes, 990);
}

TEST(RandomErasing, NeverAtProbabilityZero) {
  for (std::uint64_t i = 0; i < 1000; ++i) {
    Generator generator(i, 0);
    EXPECT_FALSE(draw_erased_box(generator, 0, 20, 30));
  }
}

TEST(RandomErasing, NoiseIsStandardNormalAndDrawnChannelByChannel) {
  constexpr std::int64_t kPixels = 3200;
  std::vector<float> noise(2 * kPixels);
  Generator generator(1, 2), again(1, 2);
  write_noise(generator, 2, noise);
  double sum = 0, squares = 0;
  for (std::int64_t channel = 0; channel < 2; ++channel) {
    for (std::int64_t pixel = 0; pixel < kPixels; ++pixel) {
      const float value = noise[(2 * pixel) + channel];
      EXPECT_EQ(value, static_cast<float>(again.normal()));
      sum += value;
      squares += value * value;
    }
  }
  EXPECT_NEAR(sum / 6400, 0, 5 / std::sqrt(6400.0));
  EXPECT_NEAR(squares / 6400, 1, 5 * std::sqrt(2 / 6400.0));
}

}  // namespace
}  // namespace incubate
