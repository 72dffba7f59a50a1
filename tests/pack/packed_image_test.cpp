#include "pack/packed_image.h"

#include <gtest/gtest.h>

#include "image/jpeg.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes make_jpeg(std::int64_t height, std::int64_t width, std::int64_t channels = 3) {
  Image image(height, width, channels);
  for (std::size_t i = 0; i < image.bytes.size(); ++i) image.bytes[i] = static_cast<std::uint8_t>(i / 7);
  return encode_jpeg(image, 80);
}

std::string error_of(const Bytes& file) {
  return thrown_message<ImageError>([&] { pack_image("a.jpg", file, {}); });
}

TEST(PackedImageTest, JpegsStayAsTheyAre) {
  for (const std::int64_t channels : {1, 3}) {
    const Bytes file = make_jpeg(30, 50, channels);
    const PackedImage image = pack_image("a.JPEG", file, {});
    EXPECT_EQ(image.bytes, file);
    EXPECT_EQ(image.height, 30);
    EXPECT_EQ(image.width, 50);
    EXPECT_FALSE(image.is_converted);
    EXPECT_EQ(image.remark, "");
  }
}

TEST(PackedImageTest, OnlyLargerImagesAreReduced) {
  const Bytes file = make_jpeg(30, 50);
  for (const std::int64_t side : {30, 31}) {
    EXPECT_EQ(pack_image("a.jpg", file, {.shorter_side = side}).bytes, file);
  }
  const PackedImage reduced = pack_image("a.jpg", file, {.shorter_side = 29, .quality = 90});
  EXPECT_EQ(reduced.height, 29);
  EXPECT_EQ(reduced.width, 48);  // 48.33
  EXPECT_EQ(reduced.remark, "");
  const JpegInfo info = read_jpeg_info(reduced.bytes);
  EXPECT_EQ(info.height, 29);
  EXPECT_EQ(info.width, 48);
  EXPECT_GT(reduced.bytes.size(), pack_image("a.jpg", file, {.shorter_side = 29, .quality = 20}).bytes.size());
  const PackedImage upright = pack_image("a.jpg", make_jpeg(50, 30), {.shorter_side = 15});
  EXPECT_EQ(upright.height, 25);
  EXPECT_EQ(upright.width, 15);
}

TEST(PackedImageTest, AJpegUnderAnotherNameIsRemarked) {
  EXPECT_EQ(pack_image("a.png", make_jpeg(3, 5), {}).remark, "a JPEG");
  EXPECT_EQ(pack_image("jpg", make_jpeg(3, 5), {}).remark, "a JPEG");
}

TEST(PackedImageTest, WhatCannotBeUsedSaysWhy) {
  EXPECT_EQ(error_of({}), "it is empty");
  EXPECT_EQ(error_of({'t', 'e', 'x', 't'}), "it is neither a JPEG nor a PNG");
  Bytes file = make_jpeg(30, 50);
  file.resize(file.size() / 2);
  EXPECT_EQ(error_of(file), "the file ends early");
}

TEST(PackedImageTest, OptionsAreNamed) {
  EXPECT_NE(EncodingOptions{}.describe(), (EncodingOptions{.shorter_side = {}, .quality = 91}.describe()));
  EXPECT_NE(EncodingOptions{}.describe(), EncodingOptions{.shorter_side = 256}.describe());
}

}  // namespace
}  // namespace incubate
