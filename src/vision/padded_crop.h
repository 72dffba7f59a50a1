#pragma once

#include "base/random.h"
#include "vision/image.h"

namespace incubate {

/// Where to crop a training image, and whether to mirror it.
struct CropAndFlip {
  std::int64_t top = 0;  ///< offset in pixels; negative: padding
  std::int64_t left = 0;
  bool flip = false;
};

/// Draws a crop of the image's own size from the image padded by `padding` on every side, mirrored with probability 1/2
/// if `may_flip`. Makes every draw always, so that settings do not shift each other's numbers.
CropAndFlip draw_crop_and_flip(Generator& generator, std::int64_t padding, bool may_flip);

/// Returns a crop of the image's own size. Padding is black, as in He et al. 2015 ("Deep residual learning", CIFAR-10).
Image cut_padded(const Image& image, const CropAndFlip& cut);

}  // namespace incubate
