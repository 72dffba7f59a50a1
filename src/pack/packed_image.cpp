#include "pack/packed_image.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>

#include <fmt/format.h>

#include "image/jpeg.h"
#include "image/png.h"
#include "image/resize.h"

namespace incubate {
namespace {

bool is_jpeg(std::span<const std::uint8_t> file) {
  constexpr std::array<std::uint8_t, 3> kBegin = {0xFF, 0xD8, 0xFF};
  return file.size() >= kBegin.size() && std::equal(kBegin.begin(), kBegin.end(), file.begin());
}

/// ".jpeg" of "a.JPEG".
std::string extension_of(const std::string& name) {
  std::string extension = std::filesystem::path(name).extension().string();
  std::ranges::transform(extension, extension.begin(), [](unsigned char c) { return std::tolower(c); });
  return extension;
}

/// `image`, its shorter side reduced to `side`; the longer one rounded down, as torchvision does.
Image reduce(const Image& image, std::int64_t side) {
  const std::int64_t shorter = std::min(image.height, image.width);
  return resize_bicubic(image, image.whole(), image.height * side / shorter, image.width * side / shorter);
}

void encode(const Image& image, const EncodingOptions& options, PackedImage& packed) {
  packed.bytes = encode_jpeg(image, static_cast<int>(options.quality));
  packed.height = image.height;
  packed.width = image.width;
}

}  // namespace

std::string EncodingOptions::describe() const {
  if (!shorter_side) return fmt::format("images as they are; others converted at quality {}", quality);
  return fmt::format("shorter sides up to {}, quality {}", *shorter_side, quality);
}

PackedImage pack_image(const std::string& name, std::span<const std::uint8_t> file, const EncodingOptions& options) {
  if (file.empty()) throw ImageError("it is empty");
  const bool is_a_png = is_png(file);
  if (!is_a_png && !is_jpeg(file)) throw ImageError("it is neither a JPEG nor a PNG");

  PackedImage packed;
  const bool is_cmyk = !is_a_png && read_jpeg_info(file).components == 4;
  packed.is_converted = is_a_png || is_cmyk;
  if (packed.is_converted) {
    packed.remark = is_a_png ? "a PNG" : "a JPEG in CMYK";
  } else if (const std::string extension = extension_of(name); extension != ".jpeg" && extension != ".jpg") {
    packed.remark = "a JPEG";
  }

  const Image image = is_a_png ? decode_png(file) : decode_jpeg(file);
  const bool is_large = options.shorter_side && std::min(image.height, image.width) > *options.shorter_side;
  if (is_large) {
    encode(reduce(image, *options.shorter_side), options, packed);
  } else if (packed.is_converted) {
    encode(image, options, packed);
  } else {
    packed.bytes.assign(file.begin(), file.end());
    packed.height = image.height;
    packed.width = image.width;
  }
  return packed;
}

}  // namespace incubate
