#include "data/transforms.h"

#include <array>

namespace incubate {

CropAndFlip draw_crop_and_flip(Generator& generator, std::int64_t padding, bool may_flip) {
  const auto offsets = static_cast<std::uint32_t>((2 * padding) + 1);
  CropAndFlip cut;
  cut.top = static_cast<std::int64_t>(generator.below(offsets)) - padding;
  cut.left = static_cast<std::int64_t>(generator.below(offsets)) - padding;
  cut.flip = generator.uniform() < 0.5F && may_flip;
  return cut;
}

void transform(std::span<const std::uint8_t> image, std::int64_t height, std::int64_t width, std::int64_t channels,
               const CropAndFlip& cut, const Normalisation& normalisation, std::span<float> planes) {
  for (std::int64_t channel = 0; channel < channels; ++channel) {
    std::array<float, 256> value_of_byte{};
    for (int byte = 0; byte < 256; ++byte) {
      value_of_byte[byte] =
          static_cast<float>((byte / 255.0 - normalisation.mean[channel]) / normalisation.std[channel]);
    }
    float* out = planes.data() + (channel * height * width);
    for (std::int64_t y = 0; y < height; ++y) {
      const std::int64_t source_y = y + cut.top;
      for (std::int64_t x = 0; x < width; ++x) {
        const std::int64_t source_x = (cut.flip ? width - 1 - x : x) + cut.left;
        const bool inside = source_y >= 0 && source_y < height && source_x >= 0 && source_x < width;
        *out++ = value_of_byte[inside ? image[(((source_y * width) + source_x) * channels) + channel] : 0];
      }
    }
  }
}

}  // namespace incubate
