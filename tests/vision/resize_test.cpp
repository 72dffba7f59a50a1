#include "vision/resize.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace incubate {
namespace {

// test_image_ops.py tests that the bytes equal Pillow's; the properties here need no other program.

Image ramp(std::int64_t height, std::int64_t width) {
  Image image(height, width, 1);
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) *image.at(y, x) = static_cast<std::uint8_t>((4 * x) + y);
  }
  return image;
}

TEST(Resize, TheSameSizeIsTheSameImage) {
  const Image image = ramp(9, 7);
  EXPECT_EQ(resize_bicubic(image, image.whole(), 9, 7), image);
}

TEST(Resize, AFlatImageStaysFlat) {
  Image image(11, 5, 3);
  for (std::uint8_t& byte : image.bytes) byte = 201;
  for (const std::int64_t side : {1, 3, 8, 40}) {
    for (const std::uint8_t byte : resize_bicubic(image, {1, 1, 9, 3}, side, side).bytes) EXPECT_EQ(byte, 201);
  }
}

// The cubic reproduces straight lines, away from the borders.
TEST(Resize, ARampStaysARamp) {
  const Image doubled = resize_bicubic(ramp(20, 20), {0, 0, 20, 20}, 20, 40);
  for (std::int64_t x = 8; x < 32; ++x) EXPECT_EQ(*doubled.at(5, x), (2 * x) + (x % 2 == 0 ? -1 : -1) + 5) << x;
}

TEST(Resize, ARampOf16BitsStaysARampInEveryChannel) {
  Image image(20, 20, 4, 2);
  const auto value = [](std::int64_t y, std::int64_t x_times_4, std::int64_t channel) {
    return static_cast<std::uint16_t>((500 * (x_times_4 + y)) + (3 * channel));
  };
  for (std::int64_t i = 0; i < 1600; ++i) as_16_bits(image.bytes)[i] = value(i / 80, (i / 4) % 20 * 4, i % 4);
  const Image wide = resize_bicubic(image, {0, 0, 20, 20}, 20, 40),
              high = resize_bicubic(image, {0, 0, 20, 20}, 40, 20);
  for (std::int64_t i = 0; i < 4; ++i) {
    for (std::int64_t x = 8; x < 32; ++x) {
      EXPECT_EQ(as_16_bits(wide.bytes)[(((5 * 40) + x) * 4) + i], value(5, (2 * x) - 1, i)) << x;
      EXPECT_NEAR(as_16_bits(high.bytes)[(((x * 20) + 9) * 4) + i], value(0, 36, i) + (250 * x) - 125, 0.5) << x;
    }
  }
  std::ranges::fill(as_16_bits(image.bytes), 65535);
  EXPECT_EQ(resize_bicubic(image, image.whole(), 7, 33).bytes, std::vector<std::uint8_t>(7 * 33 * 8, 255));
}

TEST(Resize, TheFilterSeesOutsideTheBox) {
  Image image = ramp(8, 8);
  const Image before = resize_bicubic(image, {2, 2, 4, 4}, 8, 8);
  *image.at(3, 1) = 255;
  EXPECT_NE(resize_bicubic(image, {2, 2, 4, 4}, 8, 8), before);
}

}  // namespace
}  // namespace incubate
