#pragma once

#include <array>

#include "base/random.h"
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

/// A random change of brightness, contrast and saturation: factors and the order of applying them.
struct ColorJitter {
  std::array<double, 3> factors = {1, 1, 1};       ///< brightness, contrast, saturation
  std::array<std::uint32_t, 3> order = {0, 1, 2};  ///< indices of `factors`
};

/// Draws factors uniform in 1 - strength .. 1 + strength (at least 0), in random order: torchvision's ColorJitter
/// without hue.
ColorJitter draw_color_jitter(Generator& generator, double strength);
Image jitter(const Image& image, const ColorJitter& change);

}  // namespace incubate
