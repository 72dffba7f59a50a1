#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"

namespace incubate {

/// Turns bytes into the numbers a network sees.
struct Normalisation {
  std::vector<double> mean;  ///< of each channel, in 0..1
  std::vector<double> std;
};

/// Where a training image is cut out and whether it is mirrored.
struct CropAndFlip {
  std::int64_t top = 0;  ///< offset of the cut in pixels; negative: padding
  std::int64_t left = 0;
  bool flip = false;
};

/// A random cut of the image's own size from the image padded by `padding` on every side, and mirrored with probability
/// 1/2 if `may_flip`. Draws are made whether used or not, so that settings do not shift each other's numbers.
CropAndFlip draw_crop_and_flip(Generator& generator, std::int64_t padding, bool may_flip);

/// Normalised planes (channels x height x width) of an image (height x width x channels), cut and mirrored. Padding is
/// black before normalisation, as in He et al. 2015 ("Deep residual learning", CIFAR-10).
void transform(std::span<const std::uint8_t> image, std::int64_t height, std::int64_t width, std::int64_t channels,
               const CropAndFlip& cut, const Normalisation& normalisation, std::span<float> planes);

}  // namespace incubate
