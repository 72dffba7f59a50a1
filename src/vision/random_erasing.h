#pragma once

#include <optional>
#include <span>

#include "base/random.h"
#include "vision/image.h"

namespace incubate {

/// Draws the part of an image to erase: with `probability` a rectangle of 2 % to a third of the area at a random place.
/// Its aspect (height/width) is log-uniform in 0.3 .. 1/0.3. Returns nothing after 10 draws that are not smaller than
/// the image in both directions. (Zhong et al. 2017, arXiv 1708.04896; details from timm.)
std::optional<Box> draw_erased_box(Generator& generator, double probability, std::int64_t height, std::int64_t width);

/// Fills `box` of the normalised planes (channels x height x width) with standard normal noise.
void erase(std::span<float> planes, std::int64_t height, std::int64_t width, const Box& box, Generator& generator);

/// Writes the same noise pixel by pixel, channels together: box.height x box.width x channels numbers.
void write_noise(Generator& generator, std::int64_t channels, std::span<float> noise);

}  // namespace incubate
