#include "vision/jpeg.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "support/jpeg_file.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

// test_image_ops.py tests that decoded bytes equal Pillow's; the properties here need no other program.

using Bytes = std::vector<std::uint8_t>;

std::string jpeg_error(const Bytes& file) {
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
    EXPECT_EQ(jpeg_error(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size))), "the file ends early")
        << size << " of " << file.size() << " bytes";
  }
  EXPECT_EQ(jpeg_error({}), "Empty input file");
}

TEST(Jpeg, WhatIsNoJpegIsAnError) {
  EXPECT_EQ(jpeg_error({'G', 'I', 'F', '8'}), "Not a JPEG file: starts with 0x47 0x49");
}

/// Returns the file with another height and width in its header, the 5 bytes behind the marker FF C0.
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
  EXPECT_EQ(jpeg_error(file), expected);
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

// --- Parts -----------------------------------------------------------------------------------------------------------

struct NamedFile {
  std::string name;
  Bytes bytes;
};

/// Returns files of every kind, of random sizes, many with sides that blocks do not divide.
std::vector<NamedFile> make_files(Generator& generator) {
  std::vector<NamedFile> files;
  const auto add = [&](const std::string& name, std::int64_t channels, const JpegKind& kind) {
    for (const std::uint32_t largest : {12U, 50U, 220U}) {
      const std::int64_t height = 1 + generator.below(largest), width = 1 + generator.below(largest);
      files.push_back(
          {fmt::format("{} {} x {}", name, height, width), make_jpeg(make_photo(height, width, channels), kind)});
    }
  };
  for (const bool is_progressive : {false, true}) {
    const std::string order = is_progressive ? "progressive" : "baseline";
    for (const auto& [across, down] : std::vector<std::array<int, 2>>{{1, 1}, {2, 1}, {2, 2}, {1, 2}, {4, 1}, {4, 2}}) {
      add(fmt::format("{} sampling {}x{}", order, across, down), 3,
          {.horizontal = across, .vertical = down, .is_progressive = is_progressive});
    }
    add(order + " grey", 1, {.is_progressive = is_progressive});
    add(order + " CMYK", 4, {.is_progressive = is_progressive});
    add(order + " with restarts", 3, {.is_progressive = is_progressive, .restart_interval = 5});
  }
  for (const int num_scans : {1, 3, 5}) {
    add(fmt::format("first {} scans", num_scans), 3, {.is_progressive = true, .num_scans = num_scans});
  }
  return files;
}

Box draw_box(Generator& generator, std::int64_t height, std::int64_t width) {
  Box box;
  box.height = 1 + generator.below(static_cast<std::uint32_t>(height));
  box.width = 1 + generator.below(static_cast<std::uint32_t>(width));
  box.top = generator.below(static_cast<std::uint32_t>(height - box.height + 1));
  box.left = generator.below(static_cast<std::uint32_t>(width - box.width + 1));
  return box;
}

TEST(JpegPart, IsThatOfTheWholeImage) {
  Generator generator = make_generator(1, Purpose::augmentation, {});
  for (int round = 0; round < 4; ++round) {
    for (const NamedFile& file : make_files(generator)) {
      const Image whole = decode_jpeg(file.bytes);
      for (int i = 0; i < 25; ++i) {
        const Box box = draw_box(generator, whole.height, whole.width);
        ASSERT_EQ(decode_jpeg_part(file.bytes, box, box.height, box.width), crop(whole, box))
            << file.name << ", box " << box.top << " " << box.left << " " << box.height << " " << box.width;
      }
    }
  }
}

TEST(JpegPart, IsThatOfTheWholeImageAtASmallerScale) {
  Generator generator = make_generator(2, Purpose::augmentation, {});
  for (const NamedFile& file : make_files(generator)) {
    const JpegInfo info = read_jpeg_info(file.bytes);
    for (const std::int64_t scale : {2, 4, 8}) {
      // The scale divides this size, so that the scale of the whole image and of a box is the same.
      const Box all = {0, 0, info.height / scale * scale, info.width / scale * scale};
      if (all.height == 0 || all.width == 0) continue;
      const Image whole = decode_jpeg_part(file.bytes, all, all.height / scale, all.width / scale);
      ASSERT_EQ(whole.whole(), (Box{0, 0, all.height / scale, all.width / scale}));
      for (int i = 0; i < 10; ++i) {
        const Box small = draw_box(generator, whole.height, whole.width);
        const Box box = {scale * small.top, scale * small.left, scale * small.height, scale * small.width};
        ASSERT_EQ(decode_jpeg_part(file.bytes, box, small.height, small.width), crop(whole, small))
            << file.name << ", scale " << scale << ", box " << box.top << " " << box.left << " " << box.height << " "
            << box.width;
      }
    }
  }
}

TEST(JpegPart, HasItsLeastSize) {
  const Bytes file = encode_jpeg(make_photo(160, 240), 90);
  const auto size_of = [&](const Box& box, std::int64_t least_height, std::int64_t least_width) {
    return decode_jpeg_part(file, box, least_height, least_width).whole();
  };
  EXPECT_EQ(size_of({0, 0, 160, 240}, 81, 1), (Box{0, 0, 160, 240}));
  EXPECT_EQ(size_of({0, 0, 160, 240}, 80, 120), (Box{0, 0, 80, 120}));
  EXPECT_EQ(size_of({0, 0, 160, 240}, 80, 121), (Box{0, 0, 160, 240}));
  EXPECT_EQ(size_of({0, 0, 160, 240}, 40, 40), (Box{0, 0, 40, 60}));
  EXPECT_EQ(size_of({0, 0, 160, 240}, 1, 1), (Box{0, 0, 20, 30}));
  EXPECT_EQ(size_of({5, 7, 51, 49}, 25, 24), (Box{0, 0, 25, 24}));  // rows 3 .. 27 of halves, columns 4 .. 27
}

TEST(JpegPart, TheLastRowsOfATruncatedFileAreAnError) {
  const Bytes file = encode_jpeg(make_photo(64, 64), 90);
  const Bytes half(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(file.size() * 3 / 4));
  EXPECT_EQ(thrown_message<ImageError>([&] { decode_jpeg_part(half, {60, 0, 4, 4}, 4, 4); }), "the file ends early");
}

TEST(JpegPart, ABoxBeyondTheImageIsAnError) {
  const std::vector<std::uint8_t> file = encode_jpeg(Image(10, 20, 3), 90);
  for (const Box& box : {Box{0, 0, 11, 20}, Box{5, 5, 5, 16}}) {
    EXPECT_EQ(thrown_message<ImageError>([&] { decode_jpeg_part(file, box, 1, 1); }),
              "it has 10x20 pixels, fewer than are asked for");
  }
}

TEST(Jpeg, AFileOfTooManyScansIsAnError) {
  const JpegKind kind = {.is_progressive = true, .has_many_scans = true};
  EXPECT_EQ(jpeg_error(make_jpeg(make_photo(16, 16, 1), kind)), "it has more than 100 scans");
}

TEST(Jpeg, TooLongASideIsAnErrorOfEncoding) {
  EXPECT_EQ(thrown_message<ImageError>([] { encode_jpeg(Image(1, 65501, 1), 90); }),
            "Maximum supported image dimension is 65500 pixels");
}

}  // namespace
}  // namespace incubate
