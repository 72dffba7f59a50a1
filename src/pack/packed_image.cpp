#include "pack/packed_image.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>

#include <fmt/format.h>

#include "base/check.h"
#include "vision/image_shard.h"
#include "vision/jpeg.h"
#include "vision/png.h"
#include "vision/resize.h"

namespace incubate {
namespace {

bool is_jpeg(std::span<const std::uint8_t> file) {
  constexpr std::array<std::uint8_t, 3> kBegin = {0xFF, 0xD8, 0xFF};
  return file.size() >= kBegin.size() && std::equal(kBegin.begin(), kBegin.end(), file.begin());
}

/// Returns whether the file name's extension is that of a PNG, or else of a JPEG.
bool is_name_of(const std::string& name, bool is_a_png) {
  std::string extension = std::filesystem::path(name).extension().string();
  std::ranges::transform(extension, extension.begin(), [](unsigned char c) { return std::tolower(c); });
  return is_a_png ? extension == ".png" : extension == ".jpeg" || extension == ".jpg";
}

/// Returns `image` with its shorter side reduced to `side`. The longer side is rounded down, as in torchvision.
Image reduce(const Image& image, std::int64_t side) {
  const std::int64_t shorter = std::min(image.height, image.width);
  return resize_bicubic(image, image.whole(), image.height * side / shorter, image.width * side / shorter);
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
  check_png_depth(file);

  Image image = is_a_png ? decode_png(file) : decode_jpeg(file);
  PackedImage packed;
  if (options.shorter_side && std::min(image.height, image.width) > *options.shorter_side) {
    image = reduce(image, *options.shorter_side);
    packed.bytes = is_a_png ? encode_png(image) : encode_jpeg(image, static_cast<int>(options.quality));
  } else {
    packed.bytes.assign(file.begin(), file.end());
  }
  packed.sums.add(image.bytes, image.channels, image.value_bytes);
  packed.height = image.height;
  packed.width = image.width;
  check_input<ImageError>(std::max(image.height, image.width) <= kLongestSide,
                          "it has {}x{} pixels; a side may have up to {}", image.height, image.width, kLongestSide);
  if (!is_name_of(name, is_a_png)) packed.remark = is_a_png ? "a PNG" : "a JPEG";
  return packed;
}

}  // namespace incubate
