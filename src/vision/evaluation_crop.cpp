#include "vision/evaluation_crop.h"

#include <algorithm>
#include <cmath>

#include "vision/resize.h"

namespace incubate {
namespace {

/// Returns where a centred part of `part` of `whole` pixels begins. Halves round to even.
std::int64_t centre_offset(std::int64_t whole, std::int64_t part) {
  return std::llrint(static_cast<double>(whole - part) / 2);
}

}  // namespace

Image crop_for_evaluation(const ImageSource& image, const EvaluationCrop& cut) {
  const auto shorter = static_cast<std::int64_t>(std::floor(static_cast<double>(cut.side) / cut.fraction));
  const std::int64_t least = std::min(image.height(), image.width());
  // Integer arithmetic, rounded down: a floating-point division could be off by one bit.
  const std::int64_t height = shorter * image.height() / least;
  const std::int64_t width = shorter * image.width() / least;
  const Box centre = {centre_offset(height, cut.side), centre_offset(width, cut.side), cut.side, cut.side};
  // Decoding at full scale keeps figures equal to timm's.
  return resize_bicubic(image, {.height = height, .width = width, .window = centre});
}

}  // namespace incubate
