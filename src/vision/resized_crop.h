#pragma once

#include <array>

#include "base/random.h"
#include "vision/image_source.h"

namespace incubate {

/// A random part of an image of height x width pixels: a share of its area drawn from `scale`, with an aspect
/// (width/height) log-uniform in 3/4 .. 4/3, at a random place; after 10 draws that do not fit, the largest centred
/// part of a permitted aspect. (Szegedy et al. 2015, "Going deeper with convolutions"; the details are torchvision's.)
Box draw_resized_crop(Generator& generator, std::int64_t height, std::int64_t width,
                      const std::array<double, 2>& scale);

/// `box` of the image, resized to side x side, then mirrored or not. The filter sees nothing outside the box.
Image resized_crop(const ImageSource& image, const Box& box, std::int64_t side, bool is_mirrored);

}  // namespace incubate
