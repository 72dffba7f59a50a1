#include "pack/packed_image.h"

#include <gtest/gtest.h>

#include "support/jpeg_file.h"
#include "support/thrown_message.h"
#include "vision/jpeg.h"
#include "vision/png.h"
#include "vision/resize.h"

namespace incubate {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes make_small_jpeg(std::int64_t height, std::int64_t width, std::int64_t channels = 3) {
  Image image(height, width, channels);
  for (std::size_t i = 0; i < image.bytes.size(); ++i) image.bytes[i] = static_cast<std::uint8_t>(i / 7);
  return encode_jpeg(image, 80);
}

std::string file_error(const Bytes& file) {
  return thrown_message<ImageError>([&] { pack_image("a.jpg", file, {}); });
}

TEST(PackedImageTest, JpegsStayAsTheyAre) {
  for (const std::int64_t channels : {1, 3}) {
    const Bytes file = make_small_jpeg(30, 50, channels);
    const PackedImage image = pack_image("a.JPEG", file, {});
    EXPECT_EQ(image.bytes, file);
    EXPECT_EQ(image.height, 30);
    EXPECT_EQ(image.width, 50);
    EXPECT_EQ(image.remark, "");
  }
}

TEST(PackedImageTest, JpegsInCmykStayAsTheyAre) {
  const Bytes file = make_jpeg(make_photo(30, 50, 4), {});
  const PackedImage image = pack_image("a.jpg", file, {.shorter_side = 30});
  EXPECT_EQ(image.bytes, file);
  EXPECT_EQ(image.remark, "");
  const PackedImage reduced = pack_image("a.jpg", file, {.shorter_side = 15});
  EXPECT_EQ(read_jpeg_info(reduced.bytes).components, 3);
}

TEST(PackedImageTest, PngsStayAsTheyAre) {
  for (const std::int64_t channels : {1, 3}) {
    Bytes file = encode_png(make_photo(30, 50, channels));
    file.insert(file.end(), {'m', 'o', 'r', 'e'});  // which no decoder reads
    const PackedImage image = pack_image("a.PNG", file, {.shorter_side = 30});
    EXPECT_EQ(image.bytes, file);
    EXPECT_EQ(image.height, 30);
    EXPECT_EQ(image.width, 50);
    EXPECT_EQ(image.remark, "");
  }
}

TEST(PackedImageTest, PngsAreReducedWithoutLoss) {
  const Image image = make_photo(30, 50);
  const PackedImage reduced = pack_image("a.png", encode_png(image), {.shorter_side = 15, .quality = 1});
  EXPECT_EQ(decode_png(reduced.bytes), resize_bicubic(image, image.whole(), 15, 25));
  EXPECT_EQ(reduced.height, 15);
  EXPECT_EQ(reduced.width, 25);
  EXPECT_EQ(reduced.remark, "");
}

TEST(PackedImageTest, AnImageWithALongerSideThanAnIndexMayStateIsLeftOut) {
  EXPECT_NO_THROW(pack_image("a.png", encode_png(Image(1, 65535, 1)), {}));
  EXPECT_EQ(file_error(encode_png(Image(1, 65536, 1))), "it has 1x65536 pixels; a side may have up to 65535");
}

TEST(PackedImageTest, OnlyLargerImagesAreReduced) {
  const Bytes file = make_small_jpeg(30, 50);
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
  const PackedImage upright = pack_image("a.jpg", make_small_jpeg(50, 30), {.shorter_side = 15});
  EXPECT_EQ(upright.height, 25);
  EXPECT_EQ(upright.width, 15);
}

TEST(PackedImageTest, AFileUnderAnotherNameIsRemarked) {
  EXPECT_EQ(pack_image("a.png", make_small_jpeg(3, 5), {}).remark, "a JPEG");
  EXPECT_EQ(pack_image("jpg", make_small_jpeg(3, 5), {}).remark, "a JPEG");
  EXPECT_EQ(pack_image("a.JPEG", encode_png(Image(3, 5, 3)), {}).remark, "a PNG");
}

TEST(PackedImageTest, WhatCannotBeUsedSaysWhy) {
  EXPECT_EQ(file_error({}), "it is empty");
  EXPECT_EQ(file_error({'t', 'e', 'x', 't'}), "it is neither a JPEG nor a PNG");
  Bytes file = make_small_jpeg(30, 50);
  file.resize(file.size() / 2);
  EXPECT_EQ(file_error(file), "the file ends early");
}

TEST(PackedImageTest, OptionsAreNamed) {
  EXPECT_NE(EncodingOptions{}.describe(), (EncodingOptions{.shorter_side = {}, .quality = 91}.describe()));
  EXPECT_NE(EncodingOptions{}.describe(), EncodingOptions{.shorter_side = 256}.describe());
}

}  // namespace
}  // namespace incubate
