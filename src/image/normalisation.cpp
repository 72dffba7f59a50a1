#include "image/normalisation.h"

namespace incubate {

NormalisationTable::NormalisationTable(const Normalisation& normalisation) : values_(normalisation.mean.size()) {
  for (std::size_t channel = 0; channel < values_.size(); ++channel) {
    for (int byte = 0; byte < 256; ++byte) {
      values_[channel][byte] =
          static_cast<float>((byte / 255.0 - normalisation.mean[channel]) / normalisation.std[channel]);
    }
  }
}

void NormalisationTable::write_planes(const Image& image, std::span<float> planes) const {
  float* out = planes.data();
  for (std::int64_t channel = 0; channel < image.channels; ++channel) {
    const std::array<float, 256>& values = values_[channel];
    const std::uint8_t* in = image.bytes.data() + channel;
    for (std::int64_t i = 0; i < image.num_pixels(); ++i) *out++ = values[in[i * image.channels]];
  }
}

}  // namespace incubate
