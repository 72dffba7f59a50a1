#include "vision/normalisation.h"

#include <algorithm>

#include "base/vectorised.h"

namespace incubate {

NormalisationTable::NormalisationTable(const Normalisation& normalisation) : values_(normalisation.mean.size()) {
  for (std::size_t channel = 0; channel < values_.size(); ++channel) {
    for (int byte = 0; byte < 256; ++byte) {
      values_[channel][byte] =
          static_cast<float>((byte / 255.0 - normalisation.mean[channel]) / normalisation.std[channel]);
    }
  }
  if (values_.size() != 3) return;
  Lines lines;
  Image all(1, 256, 3);
  std::vector<float> expected, planes(all.bytes.size());
  for (int channel = 0; channel < 3; ++channel) {
    const double std = normalisation.std[channel];
    lines[channel] = {1 / (255 * std), -normalisation.mean[channel] / std};
    for (int byte = 0; byte < 256; ++byte) all.at(0, byte)[channel] = static_cast<std::uint8_t>(byte);
    expected.insert(expected.end(), values_[channel].begin(), values_[channel].end());
  }
  write_colors(all, lines, planes.data());
  if (planes == expected) lines_ = lines;
}

/// Sorts the bytes of a block of pixels by channel first, so that one instruction normalises several of them.
INCUBATE_VECTORISED void NormalisationTable::write_colors(const Image& image, const Lines& lines, float* planes) {
  constexpr std::int64_t kBlock = 256;
  const std::uint8_t* in = image.bytes.data();
  const std::int64_t num_pixels = image.num_pixels();
  for (std::int64_t first = 0; first < num_pixels; first += kBlock) {
    const std::int64_t size = std::min(kBlock, num_pixels - first);
    std::uint8_t bytes[3][kBlock];
    for (std::int64_t i = 0; i < size; ++i, in += 3) {
      for (int channel = 0; channel < 3; ++channel) bytes[channel][i] = in[channel];
    }
    for (int channel = 0; channel < 3; ++channel) {
      const auto [scale, offset] = lines[channel];
      float* out = planes + (channel * num_pixels) + first;
      for (std::int64_t i = 0; i < size; ++i) out[i] = static_cast<float>((bytes[channel][i] * scale) + offset);
    }
  }
}

void NormalisationTable::write_planes(const Image& image, std::span<float> planes) const {
  if (lines_) return write_colors(image, *lines_, planes.data());
  float* out = planes.data();
  for (std::int64_t channel = 0; channel < image.channels; ++channel) {
    const std::array<float, 256>& values = values_[channel];
    const std::uint8_t* in = image.bytes.data() + channel;
    for (std::int64_t i = 0; i < image.num_pixels(); ++i) *out++ = values[in[i * image.channels]];
  }
}

}  // namespace incubate
