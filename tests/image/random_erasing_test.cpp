#include "image/random_erasing.h"

#include <algorithm>
#include <cmath>

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

TEST(RandomErasing, FillsTheBoxOfEveryPlaneWithNoise) {
  std::vector<float> planes(2 * 100 * 50, 7.0F);
  Generator generator(1, 2);
  erase(planes, 100, 50, {.top = 10, .left = 5, .height = 80, .width = 40}, generator);
  EXPECT_EQ(std::ranges::count(planes, 7.0F), 2 * (5000 - 3200));
  double sum = 0, squares = 0;
  for (const float value : planes) {
    if (value == 7.0F) continue;
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum / 6400, 0, 5 / std::sqrt(6400.0));
  EXPECT_NEAR(squares / 6400, 1, 5 * std::sqrt(2 / 6400.0));
}

}  // namespace
}  // namespace incubate
