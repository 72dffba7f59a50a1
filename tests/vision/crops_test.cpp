#include "vision/crops.h"

#include <array>
#include <set>

#include <gtest/gtest.h>

namespace incubate {
namespace {

/// Returns the bytes of a grey `image` after `cut`.
std::vector<int> cut_bytes(const std::vector<std::uint8_t>& image, std::int64_t height, std::int64_t width,
                           const CropAndFlip& cut) {
  const Image out = cut_padded(Image(height, width, 1, image), cut);
  return {out.bytes.begin(), out.bytes.end()};
}

TEST(PaddedCrop, FlipMirrorsEachRow) {
  EXPECT_EQ(cut_bytes({1, 2, 3, 4, 5, 6}, 2, 3, {.flip = true}), (std::vector<int>{3, 2, 1, 6, 5, 4}));
}

TEST(PaddedCrop, CutMovesTheImageAndFillsWithBlack) {
  const std::vector<std::uint8_t> image = {1, 2, 3, 4, 5, 6};  // 2 x 3
  EXPECT_EQ(cut_bytes(image, 2, 3, {.top = 1}), (std::vector<int>{4, 5, 6, 0, 0, 0}));
  EXPECT_EQ(cut_bytes(image, 2, 3, {.top = -1}), (std::vector<int>{0, 0, 0, 1, 2, 3}));
  EXPECT_EQ(cut_bytes(image, 2, 3, {.left = 2}), (std::vector<int>{3, 0, 0, 6, 0, 0}));
  EXPECT_EQ(cut_bytes(image, 2, 3, {.left = -1}), (std::vector<int>{0, 1, 2, 0, 4, 5}));
  EXPECT_EQ(cut_bytes(image, 2, 3, {.top = 1, .left = -1, .flip = true}), (std::vector<int>{5, 4, 0, 0, 0, 0}));
}

TEST(PaddedCrop, DrawsReachEveryOffsetAndBothSides) {
  std::set<std::array<std::int64_t, 3>> cuts;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    Generator generator(i, 0);
    const CropAndFlip cut = draw_crop_and_flip(generator, 2, true);
    cuts.insert({cut.top, cut.left, cut.flip ? 1 : 0});
  }
  EXPECT_EQ(cuts.size(), 5 * 5 * 2);
  EXPECT_EQ(*cuts.begin(), (std::array<std::int64_t, 3>{-2, -2, 0}));
  EXPECT_EQ(*cuts.rbegin(), (std::array<std::int64_t, 3>{2, 2, 1}));
}

TEST(PaddedCrop, WithoutPaddingAndFlipNothingChanges) {
  for (std::uint64_t i = 0; i < 100; ++i) {
    Generator generator(i, 0);
    const CropAndFlip cut = draw_crop_and_flip(generator, 0, false);
    EXPECT_TRUE(cut.top == 0 && cut.left == 0 && !cut.flip);
  }
}

TEST(PaddedCrop, FlippingDoesNotShiftTheOtherDraws) {
  for (std::uint64_t i = 0; i < 100; ++i) {
    Generator with(i, 0), without(i, 0);
    const CropAndFlip a = draw_crop_and_flip(with, 4, true), b = draw_crop_and_flip(without, 4, false);
    EXPECT_EQ(a.top, b.top);
    EXPECT_EQ(a.left, b.left);
    EXPECT_EQ(with.bits(), without.bits());
  }
}

}  // namespace
}  // namespace incubate
