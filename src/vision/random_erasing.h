#pragma once

#include <optional>
#include <span>

#include "base/random.h"
#include "vision/image.h"

namespace incubate {

/// The part of an image that is erased, or none: with `probability` a rectangle of 2 % to a third of the area, its
/// aspect (height/width) log-uniform in 0.3 .. 1/0.3, at a random place; 10 draws are made until one is smaller than
/// the image in both directions. (Zhong et al. 2017, arXiv 1708.04896; the details are timm's.)
std::optional<Box> draw_erased_box(Generator& generator, double probability, std::int64_t height, std::int64_t width);

/// Fills `box` of the normalised planes (channels x height x width) with standard normal noise, a number a value.
void erase(std::span<float> planes, std::int64_t height, std::int64_t width, const Box& box, Generator& generator);

/// The same noise pixel by pixel, the channels of each together: box.height x box.width x channels numbers.
void write_noise(Generator& generator, std::int64_t channels, std::span<float> noise);

}  // namespace incubate
