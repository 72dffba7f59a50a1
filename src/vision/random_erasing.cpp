#include "vision/random_erasing.h"

#include <cmath>

namespace incubate {
namespace {

constexpr double kLeastShare = 0.02, kLargestShare = 1.0 / 3;
constexpr double kLeastErasedAspect = 0.3, kLargestErasedAspect = 1 / kLeastErasedAspect;
constexpr int kErasureTries = 10;

}  // namespace

std::optional<Box> draw_erased_box(Generator& generator, double probability, std::int64_t height, std::int64_t width) {
  if (generator.uniform() >= probability) return std::nullopt;
  const auto area = static_cast<double>(height * width);
  for (int i = 0; i < kErasureTries; ++i) {
    const double box_area = area * (kLeastShare + (generator.uniform() * (kLargestShare - kLeastShare)));
    const double log_least = std::log(kLeastErasedAspect);
    const double aspect = std::exp(log_least + (generator.uniform() * (std::log(kLargestErasedAspect) - log_least)));
    const std::int64_t box_height = std::llrint(std::sqrt(box_area * aspect));
    const std::int64_t box_width = std::llrint(std::sqrt(box_area / aspect));
    if (box_height >= height || box_width >= width) continue;
    const std::int64_t top = generator.below(static_cast<std::uint32_t>(height - box_height + 1));
    const std::int64_t left = generator.below(static_cast<std::uint32_t>(width - box_width + 1));
    return Box{top, left, box_height, box_width};
  }
  return std::nullopt;
}

void write_noise(Generator& generator, std::int64_t channels, std::span<float> noise) {
  for (std::int64_t channel = 0; channel < channels; ++channel) {
    for (std::size_t i = channel; i < noise.size(); i += channels) noise[i] = static_cast<float>(generator.normal());
  }
}

}  // namespace incubate
