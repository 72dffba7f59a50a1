#include "data/jpeg.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "support/thrown_message.h"

namespace incubate {
namespace {

// That decoded bytes equal Pillow's is tested in test_image_ops.py; here are properties that need no other program.

using Bytes = std::vector<std::uint8_t>;

/// Smooth colours with some texture.
Image make_photo(std::int64_t height, std::int64_t width, std::int64_t channels = 3) {
  Image image(height, width, channels);
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) {
      for (std::int64_t c = 0; c < channels; ++c) {
        const double wave = std::sin(0.05 * static_cast<double>(x * (c + 1))) + std::cos(0.07 * static_cast<double>(y));
        image.at(y, x)[c] = static_cast<std::uint8_t>(128 + (40 * wave) + static_cast<double>((x * y) % 23));
      }
    }
  }
  return image;
}

std::string error_of(const Bytes& file) {
  return thrown_message<ImageError>([&] { decode_jpeg(file); });
}

TEST(Jpeg, WhatIsEncodedIsDecodedAlmostUnchanged) {
  const Image image = make_photo(61, 83);
  const Image decoded = decode_jpeg(encode_jpeg(image, 95));
  ASSERT_EQ(decoded.whole(), image.whole());
  double difference = 0;
  for (std::size_t i = 0; i < image.bytes.size(); ++i) difference += std::abs(image.bytes[i] - decoded.bytes[i]);
  EXPECT_LT(difference / static_cast<double>(image.bytes.size()), 8);  // (colours have half the resolution)
  EXPECT_EQ(encode_jpeg(image, 95), encode_jpeg(image, 95));
}

TEST(Jpeg, GreyBecomesThreeEqualChannels) {
  const Bytes file = encode_jpeg(make_photo(20, 30, 1), 90);
  EXPECT_EQ(read_jpeg_info(file).components, 1);
  const Image decoded = decode_jpeg(file);
  ASSERT_EQ(decoded.channels, 3);
  for (std::size_t i = 0; i < decoded.bytes.size(); i += 3) {
    EXPECT_EQ(decoded.bytes[i], decoded.bytes[i + 1]);
    EXPECT_EQ(decoded.bytes[i], decoded.bytes[i + 2]);
  }
}

TEST(Jpeg, TheHeaderSaysTheSize) {
  const JpegInfo info = read_jpeg_info(encode_jpeg(make_photo(61, 83), 90));
  EXPECT_EQ(info.height, 61);
  EXPECT_EQ(info.width, 83);
  EXPECT_EQ(info.components, 3);
}

TEST(Jpeg, EveryTruncatedFileIsAnError) {
  const Bytes file = encode_jpeg(make_photo(40, 40), 90);
  for (std::size_t size = 2; size < file.size(); ++size) {
    EXPECT_EQ(error_of(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size))), "the file ends early")
        << size << " of " << file.size() << " bytes";
  }
  EXPECT_EQ(error_of({}), "Empty input file");
}

TEST(Jpeg, WhatIsNoJpegIsAnError) {
  EXPECT_EQ(error_of({'G', 'I', 'F', '8'}), "Not a JPEG file: starts with 0x47 0x49");
}

/// The file with its header's height and width, the 5 bytes behind the marker FF C0, replaced.
Bytes with_size(Bytes file, std::uint16_t height, std::uint16_t width) {
  const Bytes marker = {0xFF, 0xC0};
  const auto header = std::ranges::search(file, marker).begin();
  header[5] = static_cast<std::uint8_t>(height >> 8);
  header[6] = static_cast<std::uint8_t>(height);
  header[7] = static_cast<std::uint8_t>(width >> 8);
  header[8] = static_cast<std::uint8_t>(width);
  return file;
}

TEST(Jpeg, AHugeImageIsRefusedFromItsHeader) {
  const Bytes file = with_size(encode_jpeg(make_photo(16, 16), 90), 65000, 65000);
  const std::string expected = "the image has 65000 x 65000 pixels; 1 to 268435456 are possible";
  EXPECT_EQ(thrown_message<ImageError>([&] { read_jpeg_info(file); }), expected);
  EXPECT_EQ(error_of(file), expected);
}

TEST(Jpeg, DamagedDataAreAnErrorOrAnImage) {
  const Bytes file = encode_jpeg(make_photo(48, 48), 90);
  int num_errors = 0;
  for (std::size_t i = 0; i < file.size(); ++i) {
    Bytes damaged = file;
    damaged[i] ^= 0x55;
    try {
      EXPECT_GT(decode_jpeg(damaged).num_pixels(), 0);
    } catch (const ImageError&) {
      ++num_errors;
    }
  }
  EXPECT_GT(num_errors, 100);
}

TEST(Jpeg, TooLongASideIsAnErrorOfEncoding) {
  EXPECT_EQ(thrown_message<ImageError>([] { encode_jpeg(Image(1, 65501, 1), 90); }),
            "Maximum supported image dimension is 65500 pixels");
}

}  // namespace
}  // namespace incubate
