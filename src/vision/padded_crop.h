#pragma once

#include "base/random.h"
#include "vision/image.h"

namespace incubate {

/// Where a training image is cut out and whether it is mirrored.
struct CropAndFlip {
  std::int64_t top = 0;  ///< offset of the cut in pixels; negative: padding
  std::int64_t left = 0;
  bool flip = false;
};

/// A random cut of the image's own size from the image padded by `padding` on every side, and mirrored with probability
/// 1/2 if `may_flip`. Draws are made whether used or not, so that settings do not shift each other's numbers.
CropAndFlip draw_crop_and_flip(Generator& generator, std::int64_t padding, bool may_flip);

/// A cut of the image's own size. Padding is black, as in He et al. 2015 ("Deep residual learning", CIFAR-10).
Image cut_padded(const Image& image, const CropAndFlip& cut);

}  // namespace incubate
