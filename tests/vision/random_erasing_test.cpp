#include "vision/random_erasing.h"

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

TEST(RandomErasing, PixelsGetTheNoiseThatPlanesGet) {
  std::vector<float> planes(2 * 20 * 10), noise(6 * 4 * 2);
  Generator of_planes(1, 2), of_pixels(1, 2);
  erase(planes, 20, 10, {.top = 3, .left = 5, .height = 6, .width = 4}, of_planes);
  write_noise(of_pixels, 2, noise);
  for (std::int64_t i = 0; i < 24; ++i) {
    const std::int64_t pixel = ((3 + (i / 4)) * 10) + 5 + (i % 4);
    EXPECT_EQ(noise[2 * i], planes[pixel]);
    EXPECT_EQ(noise[(2 * i) + 1], planes[200 + pixel]);
  }
}

}  // namespace
}  // namespace incubate
