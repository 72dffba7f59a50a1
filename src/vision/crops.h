#pragma once

#include <array>

#include "base/random.h"
#include "vision/image.h"
#include "vision/image_source.h"

namespace incubate {

/// A crop of a training image, mirrored or not.
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

/// Draws a part of an image of height x width pixels at a random place. Its share of the area is drawn from `scale`,
/// its aspect (width/height) is log-uniform in 3/4 .. 4/3. After 10 draws that do not fit, returns the largest centred
/// part of a permitted aspect. (Szegedy et al. 2015, "Going deeper with convolutions"; details from torchvision.)
Box draw_resized_crop(Generator& generator, std::int64_t height, std::int64_t width,
                      const std::array<double, 2>& scale);

/// Returns `box` of the image resized to side x side, optionally mirrored. The filter sees nothing outside `box`.
Image resized_crop(const ImageSource& image, const Box& box, std::int64_t side, bool is_mirrored);

/// How to bring an image to the size for evaluation.
struct EvaluationCrop {
  std::int64_t side = 0;  ///< height and width of the result, in pixels
  double fraction = 1;    ///< side / shorter side of the resized image, in (0, 1]
};

/// Returns the centre (side x side) of the image resized bicubically to a shorter side of floor(side / fraction)
/// pixels. Equal to timm with crop_pct = fraction: 224 of 256 pixels at 0.875.
Image crop_for_evaluation(const ImageSource& image, const EvaluationCrop& crop);

}  // namespace incubate
