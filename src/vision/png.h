#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "vision/image.h"
#include "vision/image_error.h"

namespace incubate {

/// Returns whether the data begin with the PNG signature.
bool is_png(std::span<const std::uint8_t> bytes);

/// Throws ImageError if a PNG has 16 bits a channel: decoding would lose 8 of them.
void check_png_depth(std::span<const std::uint8_t> bytes);

/// Returns the image in RGB, 8 bits each. Keeps the upper 8 of 16 bits; ignores transparency and gamma. Equal to
/// Pillow's convert("RGB") except for 16-bit grey, which Pillow clips. Throws ImageError.
Image decode_png(std::span<const std::uint8_t> bytes);

/// Returns the pixels of `box`, equal to decode_png()'s. Rows below `box` are not decoded unless the file is
/// interlaced, so damage there may go unseen. Throws ImageError, also if `box` exceeds the image. REQUIRES: all sizes
/// are positive.
Image decode_png_part(std::span<const std::uint8_t> bytes, const Box& box);

/// Returns the image as a PNG file, without loss. Throws ImageError.
std::vector<std::uint8_t> encode_png(const Image& image);

}  // namespace incubate
