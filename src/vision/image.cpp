#include "vision/image.h"

#include <algorithm>

namespace incubate {

Image::Image(std::int64_t height, std::int64_t width, std::int64_t channels, std::int64_t value_bytes)
    : height(height),
      width(width),
      channels(channels),
      value_bytes(value_bytes),
      bytes(height * width * channels * value_bytes) {}

Image::Image(std::int64_t height, std::int64_t width, std::int64_t channels, std::span<const std::uint8_t> pixels)
    : height(height), width(width), channels(channels), bytes(pixels.begin(), pixels.end()) {}

Image crop(const Image& image, const Box& box) {
  Image out(box.height, box.width, image.channels, image.value_bytes);
  const std::int64_t begin = std::max<std::int64_t>(0, box.left);
  const std::int64_t end = std::min(image.width, box.left + box.width);
  if (begin >= end) return out;
  for (std::int64_t y = 0; y < box.height; ++y) {
    const std::int64_t source_y = y + box.top;
    if (source_y < 0 || source_y >= image.height) continue;
    std::copy_n(image.at(source_y, begin), (end - begin) * image.pixel_bytes(), out.at(y, begin - box.left));
  }
  return out;
}

Image mirror(const Image& image) {
  Image out(image.height, image.width, image.channels, image.value_bytes);
  for (std::int64_t y = 0; y < image.height; ++y) {
    for (std::int64_t x = 0; x < image.width; ++x) {
      std::copy_n(image.at(y, x), image.pixel_bytes(), out.at(y, image.width - 1 - x));
    }
  }
  return out;
}

}  // namespace incubate
