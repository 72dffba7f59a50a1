#include "vision/crops.h"

#include <algorithm>
#include <cmath>

#include "vision/resize.h"

namespace incubate {
namespace {

constexpr double kLeastCropAspect = 3.0 / 4, kLargestCropAspect = 4.0 / 3;
constexpr int kCropTries = 10;

/// Rounds to the nearest integer, halves to even.
std::int64_t round_even(double value) { return std::llrint(value); }

Box centred(std::int64_t height, std::int64_t width, std::int64_t box_height, std::int64_t box_width) {
  return {(height - box_height) / 2, (width - box_width) / 2, box_height, box_width};
}

Box largest_centred(std::int64_t height, std::int64_t width) {
  const double aspect = static_cast<double>(width) / static_cast<double>(height);
  if (aspect < kLeastCropAspect) {
    return centred(height, width, round_even(static_cast<double>(width) / kLeastCropAspect), width);
  }
  if (aspect > kLargestCropAspect) {
    return centred(height, width, height, round_even(static_cast<double>(height) * kLargestCropAspect));
  }
  return {0, 0, height, width};
}

/// Returns where a centred part of `part` of `whole` pixels begins. Halves round to even.
std::int64_t centre_offset(std::int64_t whole, std::int64_t part) {
  return std::llrint(static_cast<double>(whole - part) / 2);
}

}  // namespace

CropAndFlip draw_crop_and_flip(Generator& generator, std::int64_t padding, bool may_flip) {
  const auto offsets = static_cast<std::uint32_t>((2 * padding) + 1);
  CropAndFlip cut;
  cut.top = static_cast<std::int64_t>(generator.below(offsets)) - padding;
  cut.left = static_cast<std::int64_t>(generator.below(offsets)) - padding;
  cut.flip = generator.uniform() < 0.5F && may_flip;
  return cut;
}

Image cut_padded(const Image& image, const CropAndFlip& cut) {
  const Image part = crop(image, {cut.top, cut.left, image.height, image.width});
  return cut.flip ? mirror(part) : part;
}

Box draw_resized_crop(Generator& generator, std::int64_t height, std::int64_t width,
                      const std::array<double, 2>& scale) {
  const auto area = static_cast<double>(height * width);
  for (int i = 0; i < kCropTries; ++i) {
    const double box_area = area * (scale[0] + (generator.uniform() * (scale[1] - scale[0])));
    const double log_least = std::log(kLeastCropAspect);
    const double aspect = std::exp(log_least + (generator.uniform() * (std::log(kLargestCropAspect) - log_least)));
    const std::int64_t box_width = round_even(std::sqrt(box_area * aspect));
    const std::int64_t box_height = round_even(std::sqrt(box_area / aspect));
    // A share of a very small image may have less than one pixel.
    if (box_width > width || box_height > height || box_width < 1 || box_height < 1) continue;
    const std::int64_t top = generator.below(static_cast<std::uint32_t>(height - box_height + 1));
    const std::int64_t left = generator.below(static_cast<std::uint32_t>(width - box_width + 1));
    return {top, left, box_height, box_width};
  }
  return largest_centred(height, width);
}

Image resized_crop(const ImageSource& image, const Box& box, std::int64_t side, bool is_mirrored) {
  return resize_bicubic(image.part(box, side, side), {side, side, {0, 0, side, side}, is_mirrored});
}

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
