#pragma once

#include <array>

#include "vision/image.h"

namespace incubate {

/// The colour outside an image, one byte per channel.
using Fill = std::vector<std::uint8_t>;

/// Maps an output pixel (x, y), centres at halves, to its source: (m[0] x + m[1] y + m[2], m[3] x + m[4] y + m[5]).
using AffineMap = std::array<double, 6>;

/// Returns an image of the same size whose pixels come from where `map` points, and `fill` where that lies outside.
/// Bicubic (a = -1) over 4 x 4 pixel centres; borders repeat; results are rounded down. Equal to Pillow's
/// `transform(size, AFFINE, map, BICUBIC, fillcolor=fill)`.
Image transform_affine(const Image& image, const AffineMap& map, const Fill& fill);

/// Returns the image turned counter-clockwise about its centre. REQUIRES: -360 < degrees < 360.
Image rotate(const Image& image, double degrees, const Fill& fill);

}  // namespace incubate
