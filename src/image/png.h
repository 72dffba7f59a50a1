#pragma once

#include <cstdint>
#include <span>

#include "image/image.h"
#include "image/image_error.h"

namespace incubate {

/// Whether the data begin as every PNG file does.
bool is_png(std::span<const std::uint8_t> bytes);

/// The image in red, green and blue, 8 bits each: of 16 bits the upper 8, transparency ignored, no gamma applied; equal
/// to Pillow's convert("RGB") but for grey of 16 bits, which Pillow clips. Throws ImageError.
Image decode_png(std::span<const std::uint8_t> bytes);

}  // namespace incubate
