#pragma once

#include "data/image.h"

namespace incubate {

/// `box` of `image` at another size, equal to Pillow's `resize((width, height), BICUBIC, box)` byte for byte: Keys'
/// cubic (a = -1/2), widened by the scale when it shrinks (antialiased), weights in 1/2^22, rows first, then columns,
/// each pass rounded to 8 bits. As in Pillow the filter sees pixels outside the box; crop() first where it must not.
/// REQUIRES: `box` lies within the image; all sizes are positive.
Image resize_bicubic(const Image& image, const Box& box, std::int64_t height, std::int64_t width);

}  // namespace incubate
