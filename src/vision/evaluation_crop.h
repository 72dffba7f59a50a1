#pragma once

#include "vision/image_source.h"

namespace incubate {

/// How an image is brought to the size that is evaluated.
struct EvaluationCrop {
  std::int64_t side = 0;  ///< pixels of the result's height and width
  double fraction = 1;    ///< of the resized image's shorter side, in (0, 1]
};

/// The image resized (bicubic) so that its shorter side has floor(side / fraction) pixels, then its centre of side x
/// side, as timm does with crop_pct = fraction: 224 of 256 pixels at 0.875.
Image crop_for_evaluation(const ImageSource& image, const EvaluationCrop& crop);

}  // namespace incubate
