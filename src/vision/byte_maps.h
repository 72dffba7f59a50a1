#pragma once

#include "vision/image.h"

namespace incubate {

// Operations that map each byte on its own, equal to Pillow's ImageOps. Values are 0 .. 255.

/// Stretches each channel linearly from its range of values to 0 .. 255.
Image auto_contrast(const Image& image);
/// Makes each channel's values about equally frequent.
Image equalize(const Image& image);
/// Replaces each value by 255 - value.
Image invert(const Image& image);
/// Keeps the `bits` (0 .. 8) upper bits.
Image posterize(const Image& image, int bits);
/// Inverts values from `threshold` (0 .. 256) on.
Image solarize(const Image& image, int threshold);
/// Adds `summand` to values below 128, up to 255.
Image solarize_add(const Image& image, int summand);

}  // namespace incubate
