#include "vision/png.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <png.h>
#include <sys/resource.h>
#include <zlib.h>

#include "support/jpeg_file.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

// test_image_ops.py tests that decoded bytes equal Pillow's, for every kind of file.

using Bytes = std::vector<std::uint8_t>;

/// 2 x 2 pixels: red, green; blue, white.
const Bytes kFile = {0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48,
                     0x44, 0x52, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x02, 0x08, 0x02, 0x00, 0x00,
                     0x00, 0xfd, 0xd4, 0x9a, 0x73, 0x00, 0x00, 0x00, 0x19, 0x49, 0x44, 0x41, 0x54, 0x78,
                     0x01, 0x01, 0x0e, 0x00, 0xf1, 0xff, 0x00, 0xff, 0x00, 0x00, 0x00, 0xff, 0x00, 0x00,
                     0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0x1f, 0xee, 0x05, 0xfb, 0xde, 0xdd, 0xec, 0x2b,
                     0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};

std::string png_error(const Bytes& file) {
  return thrown_message<ImageError>([&] { decode_png(file); });
}

TEST(Png, IsDecoded) {
  EXPECT_TRUE(is_png(kFile));
  EXPECT_EQ(decode_png(kFile), Image(2, 2, 3, Bytes{255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255}));
}

TEST(Png, DepthsThatWouldLoseBitsAreRefused) {
  EXPECT_NO_THROW(check_png_depth(kFile));
  Bytes deep = kFile;
  deep[24] = 16;
  EXPECT_EQ(thrown_message<ImageError>([&] { check_png_depth(deep); }),
            "it has 16 bits a channel, of which image files keep 8. Convert it to 8 bits; 'incubate pack --format=npy' "
            "keeps 16");
}

TEST(Png, OthersAreNone) {
  EXPECT_FALSE(is_png({}));
  EXPECT_FALSE(is_png(Bytes{0xFF, 0xD8, 0xFF, 0xE0, 0, 0, 0, 0, 0}));
}

TEST(Png, EveryTruncatedFileIsAnError) {
  for (std::size_t size = 8; size < kFile.size(); ++size) {
    EXPECT_EQ(png_error(Bytes(kFile.begin(), kFile.begin() + static_cast<std::ptrdiff_t>(size))), "the file ends early")
        << size;
  }
}

TEST(Png, EveryDamagedByteIsAnError) {
  constexpr std::size_t kLastChecksum = 4;  // protects the empty chunk IEND; libpng 1.6.48 does not look at it
  for (std::size_t i = 0; i < kFile.size(); ++i) {
    Bytes damaged = kFile;
    damaged[i] ^= 0x10;
    if (png_error(damaged) != "(no error)") continue;
    EXPECT_GE(i, kFile.size() - kLastChecksum);
    EXPECT_EQ(decode_png(damaged), decode_png(kFile));
  }
}

void append_number(Bytes& bytes, std::size_t number) {
  for (const int shift : {24, 16, 8, 0}) bytes.push_back(static_cast<std::uint8_t>(number >> shift));
}

/// Returns a part of a file with `size` letters as compressed text, a thousandth of them.
Bytes make_compressed_text(std::size_t size) {
  const Bytes text(size, 'a');
  Bytes content = {'z', 'T', 'X', 't', 'a', 0, 0};
  uLongf length = compressBound(size);
  Bytes compressed(length);
  compress(compressed.data(), &length, text.data(), size);
  content.insert(content.end(), compressed.begin(), compressed.begin() + static_cast<std::ptrdiff_t>(length));
  Bytes chunk;
  append_number(chunk, content.size() - 4);
  chunk.insert(chunk.end(), content.begin(), content.end());
  append_number(chunk, crc32(0, content.data(), static_cast<uInt>(content.size())));
  return chunk;
}

/// Returns the peak memory of this process.
std::int64_t most_memory_kb() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

Bytes make_interlaced_png(const Image& image) {
  Bytes file;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  const auto append = [](png_structp writer, png_bytep bytes, std::size_t size) {
    auto* out = static_cast<Bytes*>(png_get_io_ptr(writer));
    out->insert(out->end(), bytes, bytes + size);
  };
  png_set_write_fn(png, &file, append, [](png_structp) {});
  png_set_IHDR(png, info, static_cast<png_uint_32>(image.width), static_cast<png_uint_32>(image.height), 8,
               PNG_COLOR_TYPE_RGB, PNG_INTERLACE_ADAM7, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  std::vector<png_bytep> rows;
  for (std::int64_t y = 0; y < image.height; ++y) rows.push_back(const_cast<png_bytep>(image.at(y, 0)));
  png_set_rows(png, info, rows.data());
  png_write_png(png, info, PNG_TRANSFORM_IDENTITY, nullptr);
  png_destroy_write_struct(&png, &info);
  return file;
}

TEST(Png, PartsAreThoseOfTheWhole) {
  const Image image = make_photo(23, 31);
  for (const Bytes& file : {encode_png(image), make_interlaced_png(image)}) {
    EXPECT_EQ(decode_png(file), image);
    for (const Box& box :
         {Box{0, 0, 23, 31}, Box{0, 0, 1, 1}, Box{22, 30, 1, 1}, Box{5, 7, 11, 13}, Box{9, 0, 14, 31}}) {
      EXPECT_EQ(decode_png_part(file, box), crop(image, box)) << box.top;
    }
    EXPECT_EQ(thrown_message<ImageError>([&] {
                decode_png_part(file, {3, 0, 21, 31});
              }),
              "it has 23x31 pixels, fewer than are asked for");
    EXPECT_THROW(decode_png_part(file, {0, 1, 23, 31}), ImageError);
  }
}

TEST(Png, RowsBelowAPartAreNotDecoded) {
  const Image image = make_photo(200, 300);
  Bytes file = encode_png(image);
  file.resize(file.size() / 2);
  EXPECT_EQ(decode_png_part(file, {0, 40, 20, 200}), crop(image, {0, 40, 20, 200}));
  EXPECT_EQ(png_error(file), "the file ends early");
}

TEST(Png, GreyIsEncodedToo) {
  const Image grey = make_photo(4, 5, 1);
  const Image decoded = decode_png(encode_png(grey));
  for (std::int64_t y = 0; y < 4; ++y) {
    for (std::int64_t x = 0; x < 5; ++x) {
      for (std::int64_t c = 0; c < 3; ++c) EXPECT_EQ(decoded.at(y, x)[c], *grey.at(y, x));
    }
  }
}

TEST(Png, TextThatExpandsTakesNoMemory) {
  constexpr std::ptrdiff_t kHeaderEnd = 33;
  constexpr std::size_t kTextBytes = 7'000'000, kNumTexts = 30;
  const Bytes text = make_compressed_text(kTextBytes);
  Bytes file = kFile;
  for (std::size_t i = 0; i < kNumTexts; ++i) file.insert(file.begin() + kHeaderEnd, text.begin(), text.end());
  const std::int64_t before = most_memory_kb();
  EXPECT_EQ(decode_png(file), decode_png(kFile));
  EXPECT_LT(most_memory_kb() - before, 10'000) << "for a file of " << file.size() << " bytes";
}

TEST(Png, AHugeImageIsRefusedFromItsHeader) {
  EXPECT_EQ(png_error(Bytes{0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44,
                            0x52, 0x00, 0x0f, 0x42, 0x40, 0x00, 0x0f, 0x42, 0x40, 0x08, 0x02, 0x00, 0x00, 0x00, 0xd3,
                            0x0f, 0xaf, 0x2a, 0x00, 0x00, 0x00, 0x00, 0x49, 0x44, 0x41, 0x54, 0x35, 0xaf, 0x06, 0x1e}),
            "the image has 1000000 x 1000000 pixels; 1 to 268435456 are possible");
}

}  // namespace
}  // namespace incubate
