#pragma once

#include <cstdint>
#include <span>

#include "base/random.h"
#include "vision/image.h"

namespace incubate {

/// Whether and how the images of a micro-batch are blended with each other: mixup (Zhang et al., ICLR 2018) or cutmix
/// (Yun et al., ICCV 2019), one of the two for each micro-batch, each with probability 1/2 if both are on.
struct MixupOptions {
  double mixup_alpha = 0;   ///< of the Beta distribution of the weight; 0: no mixup
  double cutmix_alpha = 0;  ///< of the Beta distribution of the area kept; 0: no cutmix

  bool is_on() const { return mixup_alpha > 0 || cutmix_alpha > 0; }
};

/// How image j of a micro-batch of b is blended with image b-1-j: the same for all of it.
struct Mixing {
  bool is_box = false;  ///< cutmix: the other image inside `box`; else mixup: a weighted sum
  Box box = {};
  double weight = 1;  ///< of the image itself and its label; with a box, the part of the area outside
};

/// Draws for images of height x width pixels. REQUIRES: options.is_on().
Mixing draw_mixing(Generator& generator, const MixupOptions& options, std::int64_t height, std::int64_t width);

/// Blends `images`, planes of `size` images (size x channels x height x width), in place.
void mix_images(const Mixing& mixing, std::int64_t size, std::int64_t height, std::int64_t width,
                std::span<float> images);

/// Beta(alpha, alpha). REQUIRES: alpha > 0.
double draw_symmetric_beta(Generator& generator, double alpha);

}  // namespace incubate
