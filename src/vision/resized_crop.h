#pragma once

#include <array>

#include "base/random.h"
#include "vision/image_source.h"

namespace incubate {

/// Draws a part of an image of height x width pixels at a random place. Its share of the area is drawn from `scale`,
/// its aspect (width/height) is log-uniform in 3/4 .. 4/3. After 10 draws that do not fit, returns the largest centred
/// part of a permitted aspect. (Szegedy et al. 2015, "Going deeper with convolutions"; details from torchvision.)
Box draw_resized_crop(Generator& generator, std::int64_t height, std::int64_t width,
                      const std::array<double, 2>& scale);

/// Returns `box` of the image resized to side x side, optionally mirrored. The filter sees nothing outside `box`.
Image resized_crop(const ImageSource& image, const Box& box, std::int64_t side, bool is_mirrored);

}  // namespace incubate
