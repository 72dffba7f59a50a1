#pragma once

#include <cstdint>
#include <span>
#include <type_traits>
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

/// An image of height x width x channels values of 8 or 16 bits, row by row, with 1 (grey), 3 (red, green, blue) or 4
/// channels. All but crop(), mirror() and resizing is for 8 bits alone.
struct Image {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 0;
  std::int64_t value_bytes = 1;     ///< 2: 16-bit values in this host's byte order
  std::vector<std::uint8_t> bytes;  ///< of all values

  Image() = default;
  /// Makes a black image.
  Image(std::int64_t height, std::int64_t width, std::int64_t channels, std::int64_t value_bytes = 1);
  /// Copies `pixels`. REQUIRES: `pixels` has height x width x channels bytes.
  Image(std::int64_t height, std::int64_t width, std::int64_t channels, std::span<const std::uint8_t> pixels);

  std::int64_t num_pixels() const { return height * width; }
  std::int64_t pixel_bytes() const { return channels * value_bytes; }
  Box whole() const { return {0, 0, height, width}; }
  /// Returns the first channel of a pixel. REQUIRES: 0 <= y < height, 0 <= x < width.
  std::uint8_t* at(std::int64_t y, std::int64_t x) { return &bytes[((y * width) + x) * pixel_bytes()]; }
  const std::uint8_t* at(std::int64_t y, std::int64_t x) const { return &bytes[((y * width) + x) * pixel_bytes()]; }

  bool operator==(const Image&) const = default;
};

/// Returns the span of the 16-bit values in `bytes`, a vector or span.
template <typename Bytes>
auto as_16_bits(Bytes&& bytes) {
  constexpr bool is_const = std::is_const_v<std::remove_pointer_t<decltype(bytes.data())>>;
  using Value = std::conditional_t<is_const, const std::uint16_t, std::uint16_t>;
  return std::span<Value>(reinterpret_cast<Value*>(bytes.data()), bytes.size() / sizeof(Value));
}

/// Returns the pixels of `box`, black where it reaches beyond the image.
Image crop(const Image& image, const Box& box);
/// Returns the image with left and right exchanged.
Image mirror(const Image& image);

}  // namespace incubate
