#include "vision/color_jitter.h"

#include <algorithm>

#include "vision/enhance.h"

namespace incubate {

ColorJitter draw_color_jitter(Generator& generator, double strength) {
  ColorJitter change;
  const double least = std::max(0.0, 1 - strength);
  for (double& factor : change.factors) factor = least + (generator.uniform() * (1 + strength - least));
  std::swap(change.order[2], change.order[generator.below(3)]);
  std::swap(change.order[1], change.order[generator.below(2)]);
  return change;
}

Image jitter(const Image& image, const ColorJitter& change) {
  Image out = image;
  for (const std::uint32_t index : change.order) {
    const double factor = change.factors[index];
    out = index == 0   ? adjust_brightness(out, factor)
          : index == 1 ? adjust_contrast(out, factor)
                       : adjust_color(out, factor);
  }
  return out;
}

}  // namespace incubate
