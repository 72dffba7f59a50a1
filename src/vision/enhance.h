#pragma once

#include "vision/image.h"

namespace incubate {

// Mixtures of an image with a plainer one, equal to Pillow's ImageEnhance. A `factor` of 0 gives the plainer image, 1
// the image itself; more exaggerates. Results are clamped to 0 .. 255 and rounded down.

/// The plainer image is the image in grey (ITU-R 601 luma).
Image adjust_color(const Image& image, double factor);
/// The plainer image has the mean luma everywhere.
Image adjust_contrast(const Image& image, double factor);
/// The plainer image is black.
Image adjust_brightness(const Image& image, double factor);
/// In the plainer image each pixel, except at the border, is averaged with its 8 neighbours; its own weight is 5/13.
Image adjust_sharpness(const Image& image, double factor);

}  // namespace incubate
