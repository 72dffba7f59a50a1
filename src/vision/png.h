#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "vision/image.h"
#include "vision/image_error.h"

namespace incubate {

/// Whether the data begin as every PNG file does.
bool is_png(std::span<const std::uint8_t> bytes);

/// The image in red, green and blue, 8 bits each: of 16 bits the upper 8, transparency ignored, no gamma applied; equal
/// to Pillow's convert("RGB") but for grey of 16 bits, which Pillow clips. Throws ImageError.
Image decode_png(std::span<const std::uint8_t> bytes);

/// The pixels of `box`, exactly those of decode_png(). Rows below `box` are not decoded unless the file is interlaced,
/// so damage there may go unseen. Throws ImageError also if the image does not reach as far as `box`.
/// REQUIRES: all sizes are positive.
Image decode_png_part(std::span<const std::uint8_t> bytes, const Box& box);

/// A PNG file of the image, from which decode_png() makes the same pixels. Throws ImageError.
std::vector<std::uint8_t> encode_png(const Image& image);

}  // namespace incubate
