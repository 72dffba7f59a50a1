#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace incubate {

/// A rectangle of pixels: rows top .. top+height-1, columns left .. left+width-1.
struct Box {
  std::int64_t top = 0;
  std::int64_t left = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;

  bool operator==(const Box&) const = default;
};

/// An image of height x width x channels bytes, row by row, with 1 (grey) or 3 (red, green, blue) channels.
struct Image {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 0;
  std::vector<std::uint8_t> bytes;

  Image() = default;
  /// Makes a black image.
  Image(std::int64_t height, std::int64_t width, std::int64_t channels);
  /// Copies `pixels`. REQUIRES: `pixels` has height x width x channels bytes.
  Image(std::int64_t height, std::int64_t width, std::int64_t channels, std::span<const std::uint8_t> pixels);

  std::int64_t num_pixels() const { return height * width; }
  Box whole() const { return {0, 0, height, width}; }
  /// Returns the first channel of a pixel. REQUIRES: 0 <= y < height, 0 <= x < width.
  std::uint8_t* at(std::int64_t y, std::int64_t x) { return &bytes[((y * width) + x) * channels]; }
  const std::uint8_t* at(std::int64_t y, std::int64_t x) const { return &bytes[((y * width) + x) * channels]; }

  bool operator==(const Image&) const = default;
};

/// Returns the pixels of `box`, black where it reaches beyond the image.
Image crop(const Image& image, const Box& box);
/// Returns the image with left and right exchanged.
Image mirror(const Image& image);

}  // namespace incubate
