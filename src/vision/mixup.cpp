#include "vision/mixup.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace incubate {
namespace {

/// Draws Gamma(alpha, 1): Marsaglia and Tsang, "A simple method for generating gamma variables", ACM TOMS 26, 2000.
double draw_gamma(Generator& generator, double alpha) {
  if (alpha < 1) {
    const double u = 1.0 - (generator.bits() * 0x1p-32);  // in (0, 1]
    return draw_gamma(generator, alpha + 1) * std::pow(u, 1 / alpha);
  }
  const double d = alpha - (1.0 / 3);
  const double c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = generator.normal();
    const double v = std::pow(1 + (c * x), 3);
    const double u = 1.0 - (generator.bits() * 0x1p-32);
    if (v > 0 && std::log(u) < (0.5 * x * x) + d - (d * v) + (d * std::log(v))) return d * v;
  }
}

/// Draws a box of area (1 - kept) of the image, its centre anywhere, clipped at the borders.
Box draw_box(Generator& generator, double kept, std::int64_t height, std::int64_t width) {
  const double side = std::sqrt(1 - kept);
  const auto half_height = static_cast<std::int64_t>(static_cast<double>(height) * side) / 2;
  const auto half_width = static_cast<std::int64_t>(static_cast<double>(width) * side) / 2;
  const auto y = static_cast<std::int64_t>(generator.below(static_cast<std::uint32_t>(height)));
  const auto x = static_cast<std::int64_t>(generator.below(static_cast<std::uint32_t>(width)));
  const std::int64_t top = std::max<std::int64_t>(0, y - half_height);
  const std::int64_t left = std::max<std::int64_t>(0, x - half_width);
  return {top, left, std::min(height, y + half_height) - top, std::min(width, x + half_width) - left};
}

void blend(std::span<float> a, std::span<float> b, float weight) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    const float of_a = a[i];
    const float of_b = b[i];
    a[i] = (weight * of_a) + ((1 - weight) * of_b);
    b[i] = (weight * of_b) + ((1 - weight) * of_a);
  }
}

void exchange_box(std::span<float> a, std::span<float> b, std::int64_t height, std::int64_t width, const Box& box) {
  for (std::size_t plane = 0; plane < a.size(); plane += height * width) {
    for (std::int64_t y = box.top; y < box.top + box.height; ++y) {
      const std::size_t begin = plane + (y * width) + box.left;
      std::ranges::swap_ranges(a.subspan(begin, box.width), b.subspan(begin, box.width));
    }
  }
}

}  // namespace

double draw_symmetric_beta(Generator& generator, double alpha) {
  const double a = draw_gamma(generator, alpha);
  const double b = draw_gamma(generator, alpha);
  return a + b > 0 ? a / (a + b) : 0.5;  // both may underflow if alpha is tiny
}

Mixing draw_mixing(Generator& generator, const MixupOptions& options, std::int64_t height, std::int64_t width) {
  const bool prefers_box = generator.uniform() < 0.5F;
  Mixing mixing;
  mixing.is_box = options.cutmix_alpha > 0 && (prefers_box || options.mixup_alpha == 0);
  mixing.weight = draw_symmetric_beta(generator, mixing.is_box ? options.cutmix_alpha : options.mixup_alpha);
  if (mixing.is_box) {
    mixing.box = draw_box(generator, mixing.weight, height, width);
    const std::int64_t area = mixing.box.height * mixing.box.width;
    mixing.weight = 1 - (static_cast<double>(area) / static_cast<double>(height * width));
  }
  return mixing;
}

void mix_images(const Mixing& mixing, std::int64_t size, std::int64_t height, std::int64_t width,
                std::span<float> images) {
  const std::size_t values = images.size() / size;
  for (std::int64_t j = 0; j < size / 2; ++j) {  // with an odd number the middle image is its own partner
    const std::span<float> a = images.subspan(j * values, values);
    const std::span<float> b = images.subspan((size - 1 - j) * values, values);
    if (mixing.is_box) {
      exchange_box(a, b, height, width, mixing.box);
    } else {
      blend(a, b, static_cast<float>(mixing.weight));
    }
  }
}

}  // namespace incubate
