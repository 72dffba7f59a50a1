#include "data/transforms.h"

#include <array>
#include <cmath>
#include <set>

#include <gtest/gtest.h>

namespace incubate {
namespace {

const Normalisation kPlain = {.mean = {0}, .std = {1.0 / 255}};  // a byte stays its own number, up to rounding

/// The planes of `image` after `cut`, as rounded bytes.
std::vector<int> cut_bytes(const std::vector<std::uint8_t>& image, std::int64_t height, std::int64_t width,
                           const CropAndFlip& cut) {
  std::vector<float> planes(image.size());
  transform(image, height, width, 1, cut, kPlain, planes);
  std::vector<int> bytes;
  for (const float value : planes) bytes.push_back(static_cast<int>(std::lround(value)));
  return bytes;
}

TEST(Transforms, WithoutACutEveryByteIsNormalised) {
  std::vector<std::uint8_t> image(256);
  for (int byte = 0; byte < 256; ++byte) image[byte] = static_cast<std::uint8_t>(byte);
  std::vector<float> planes(256);
  transform(image, 16, 16, 1, {}, {.mean = {0.485}, .std = {0.229}}, planes);
  for (int byte = 0; byte < 256; ++byte) EXPECT_EQ(planes[byte], static_cast<float>((byte / 255.0 - 0.485) / 0.229));
}

TEST(Transforms, ChannelsBecomePlanesWithTheirOwnNormalisation) {
  const std::vector<std::uint8_t> image = {0, 51, 102, 153, 204, 255};  // two pixels of three channels
  std::vector<float> planes(6);
  transform(image, 1, 2, 3, {}, {.mean = {0, 0.2, 0.4}, .std = {1, 0.5, 0.25}}, planes);
  const std::array<double, 6> expected = {0 / 255.0,
                                          153 / 255.0,
                                          (51 / 255.0 - 0.2) / 0.5,
                                          (204 / 255.0 - 0.2) / 0.5,
                                          (102 / 255.0 - 0.4) / 0.25,
                                          (255 / 255.0 - 0.4) / 0.25};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(planes[i], static_cast<float>(expected[i])) << i;
}

TEST(Transforms, FlipMirrorsEachRow) {
  EXPECT_EQ(cut_bytes({1, 2, 3, 4, 5, 6}, 2, 3, {.flip = true}), (std::vector<int>{3, 2, 1, 6, 5, 4}));
}

TEST(Transforms, CutMovesTheImageAndFillsWithBlack) {
  const std::vector<std::uint8_t> image = {1, 2, 3, 4, 5, 6};  // 2 x 3
  EXPECT_EQ(cut_bytes(image, 2, 3, {.top = 1}), (std::vector<int>{4, 5, 6, 0, 0, 0}));
  EXPECT_EQ(cut_bytes(image, 2, 3, {.top = -1}), (std::vector<int>{0, 0, 0, 1, 2, 3}));
  EXPECT_EQ(cut_bytes(image, 2, 3, {.left = 2}), (std::vector<int>{3, 0, 0, 6, 0, 0}));
  EXPECT_EQ(cut_bytes(image, 2, 3, {.left = -1}), (std::vector<int>{0, 1, 2, 0, 4, 5}));
  EXPECT_EQ(cut_bytes(image, 2, 3, {.top = 1, .left = -1, .flip = true}), (std::vector<int>{5, 4, 0, 0, 0, 0}));
}

TEST(Transforms, PaddingIsBlackBeforeNormalisation) {
  std::vector<float> planes(1);
  transform(std::vector<std::uint8_t>{200}, 1, 1, 1, {.top = 1}, {.mean = {0.5}, .std = {0.25}}, planes);
  EXPECT_EQ(planes[0], -2.0F);
}

TEST(Transforms, DrawsReachEveryOffsetAndBothSides) {
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

TEST(Transforms, WithoutPaddingAndFlipNothingChanges) {
  for (std::uint64_t i = 0; i < 100; ++i) {
    Generator generator(i, 0);
    const CropAndFlip cut = draw_crop_and_flip(generator, 0, false);
    EXPECT_TRUE(cut.top == 0 && cut.left == 0 && !cut.flip);
  }
}

TEST(Transforms, FlippingDoesNotShiftTheOtherDraws) {
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
