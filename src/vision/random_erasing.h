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

/// Writes standard normal noise for the pixels of a box: pixels x channels numbers, drawn channel by channel.
void write_noise(Generator& generator, std::int64_t channels, std::span<float> noise);

}  // namespace incubate
