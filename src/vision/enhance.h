#pragma once

#include "vision/image.h"

namespace incubate {

// Mixtures of an image with a plainer one, equal to those of Pillow's ImageEnhance. A `factor` of 0 gives the plainer
// image, 1 the image itself, more exaggerates; results are cut off to 0 .. 255 and rounded down.

/// Plainer: the image in grey (ITU-R 601 luma).
Image adjust_color(const Image& image, double factor);
/// Plainer: the mean luma everywhere.
Image adjust_contrast(const Image& image, double factor);
/// Plainer: black.
Image adjust_brightness(const Image& image, double factor);
/// Plainer: each pixel but those at the border averaged with its 8 neighbours, its own weight being 5/13.
Image adjust_sharpness(const Image& image, double factor);

}  // namespace incubate
