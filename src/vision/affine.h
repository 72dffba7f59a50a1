#pragma once

#include <array>

#include "vision/image.h"

namespace incubate {

/// The colour of what lies outside an image, a byte a channel.
using Fill = std::vector<std::uint8_t>;

/// Where an output pixel (x, y), centres at halves, comes from: (m[0] x + m[1] y + m[2], m[3] x + m[4] y + m[5]).
using AffineMap = std::array<double, 6>;

/// The image of the same size that takes each pixel from where `map` says: bicubic (a = -1) between the centres of 4 x
/// 4 pixels, those beyond a border repeat it, results rounded down; `fill` where the source is outside. Equal to
/// Pillow's `transform(size, AFFINE, map, BICUBIC, fillcolor=fill)`.
Image transform_affine(const Image& image, const AffineMap& map, const Fill& fill);

/// Turned counter-clockwise about the centre. REQUIRES: -360 < degrees < 360.
Image rotate(const Image& image, double degrees, const Fill& fill);

}  // namespace incubate
