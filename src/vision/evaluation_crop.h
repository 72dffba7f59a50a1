#pragma once

#include "vision/image_source.h"

namespace incubate {

/// How to bring an image to the size for evaluation.
struct EvaluationCrop {
  std::int64_t side = 0;  ///< height and width of the result, in pixels
  double fraction = 1;    ///< side / shorter side of the resized image, in (0, 1]
};

/// Returns the centre (side x side) of the image resized bicubically to a shorter side of floor(side / fraction)
/// pixels. Equal to timm with crop_pct = fraction: 224 of 256 pixels at 0.875.
Image crop_for_evaluation(const ImageSource& image, const EvaluationCrop& crop);

}  // namespace incubate
