#pragma once

#include <cstdint>

#include "base/random.h"
#include "vision/image.h"

namespace incubate {

/// How to blend the images of a micro-batch: mixup (Zhang et al., ICLR 2018) or cutmix (Yun et al., ICCV 2019). If both
/// are on, each micro-batch takes one of them with probability 1/2.
struct MixupOptions {
  double mixup_alpha = 0;   ///< of the weight's Beta distribution; 0: no mixup
  double cutmix_alpha = 0;  ///< of the kept area's Beta distribution; 0: no cutmix

  bool is_on() const { return mixup_alpha > 0 || cutmix_alpha > 0; }
};

/// How to blend image j of a micro-batch of b with image b-1-j; the same for the whole micro-batch.
struct Mixing {
  bool is_box = false;  ///< true: cutmix, the other image inside `box`; false: mixup, a weighted sum
  Box box = {};
  double weight = 1;  ///< of the image and its label; with cutmix, the area outside `box`
};

/// Draws a blend for images of height x width pixels. REQUIRES: options.is_on().
Mixing draw_mixing(Generator& generator, const MixupOptions& options, std::int64_t height, std::int64_t width);

/// Draws Beta(alpha, alpha). REQUIRES: alpha > 0.
double draw_symmetric_beta(Generator& generator, double alpha);

}  // namespace incubate
