#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "vision/image_error.h"
#include "vision/jpeg.h"
#include "vision/png.h"

namespace incubate {

/// The bytes that a decoder may hold before it knows the size, whatever size is stated.
inline constexpr std::size_t kHeaderBytes = std::size_t{1} << 20;

/// The size that a PNG or JPEG file states; 0 x 0 if the decoder refuses the header or does not reach it.
struct StatedSize {
  std::uint64_t height = 0;
  std::uint64_t width = 0;

  std::uint64_t num_pixels() const { return height * width; }
  /// Returns whether decoding must refuse the image.
  bool is_impossible() const { return num_pixels() < 1 || num_pixels() > kMostPixels; }
  /// Returns whether decoding may succeed, but would take long here and find nothing new.
  bool is_large() const { return !is_impossible() && num_pixels() > (1U << 20); }
  /// Returns the bytes that decoding may hold: the pixels, and for each one 2 bytes of up to 4 values. Those are
  /// coefficients of a progressive JPEG, or rows of a PNG. A JPEG has whole blocks of up to 32 x 32.
  std::size_t decoding_bytes() const {
    return kHeaderBytes + (is_impossible() ? 0 : 12 * (height + 32) * (width + 32));
  }
};

inline StatedSize stated_png_size(std::span<const std::uint8_t> file) {
  constexpr std::size_t kBegin = 16, kNumber = 4;
  if (file.size() < kBegin + (2 * kNumber)) return {};
  const auto number = [&](std::size_t begin) {
    std::uint64_t value = 0;
    for (const std::uint8_t byte : file.subspan(begin, kNumber)) value = (value << 8) | byte;
    return value;
  };
  return {.height = number(kBegin + kNumber), .width = number(kBegin)};
}

inline StatedSize stated_jpeg_size(std::span<const std::uint8_t> file) {
  try {
    const JpegInfo info = read_jpeg_info(file);
    return {.height = static_cast<std::uint64_t>(info.height), .width = static_cast<std::uint64_t>(info.width)};
  } catch (const ImageError&) {
    return {};
  }
}

}  // namespace incubate
