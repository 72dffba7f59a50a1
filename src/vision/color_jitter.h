#pragma once

#include <array>

#include "base/random.h"
#include "vision/image.h"

namespace incubate {

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
