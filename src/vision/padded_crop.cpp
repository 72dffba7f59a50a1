#include "vision/padded_crop.h"

namespace incubate {

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

}  // namespace incubate
