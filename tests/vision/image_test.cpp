#include "vision/image.h"

#include <gtest/gtest.h>

#include "vision/image_source.h"

namespace incubate {
namespace {

using Bytes = std::vector<std::uint8_t>;

const Image kImage(2, 3, 1, Bytes{1, 2, 3, 4, 5, 6});

TEST(Image, CropTakesTheBox) {
  EXPECT_EQ(crop(kImage, {0, 1, 2, 2}), Image(2, 2, 1, Bytes{2, 3, 5, 6}));
  EXPECT_EQ(crop(kImage, kImage.whole()), kImage);
}

TEST(Image, OutsideIsBlack) {
  EXPECT_EQ(crop(kImage, {-1, 2, 2, 2}), Image(2, 2, 1, Bytes{0, 0, 3, 0}));
  EXPECT_EQ(crop(kImage, {0, 7, 1, 2}), Image(1, 2, 1));
}

TEST(Image, MirrorKeepsAPixelsChannelsTogether) {
  EXPECT_EQ(mirror(Image(1, 2, 3, Bytes{1, 2, 3, 4, 5, 6})), Image(1, 2, 3, Bytes{4, 5, 6, 1, 2, 3}));
}

TEST(Image, PixelsOf16BitsMoveWhole) {
  Image image(1, 3, 1, 2);
  image.bytes = {1, 2, 3, 4, 5, 6};
  EXPECT_EQ(mirror(image).bytes, (Bytes{5, 6, 3, 4, 1, 2}));
  EXPECT_EQ(crop(image, {0, 1, 1, 3}).bytes, (Bytes{3, 4, 5, 6, 0, 0}));
  EXPECT_EQ(ArraySource(image).part({0, 1, 1, 2}, 1, 2).bytes, (Bytes{3, 4, 5, 6}));
}

}  // namespace
}  // namespace incubate
