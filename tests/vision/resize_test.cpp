#include "vision/resize.h"

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

TEST(Resize, TheFilterSeesOutsideTheBox) {
  Image image = ramp(8, 8);
  const Image before = resize_bicubic(image, {2, 2, 4, 4}, 8, 8);
  *image.at(3, 1) = 255;
  EXPECT_NE(resize_bicubic(image, {2, 2, 4, 4}, 8, 8), before);
}

}  // namespace
}  // namespace incubate
