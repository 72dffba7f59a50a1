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

}  // namespace incubate
