#include "vision/enhance.h"

#include <algorithm>

#include "base/vectorised.h"

namespace incubate {
namespace {

/// Returns 0.299 red + 0.587 green + 0.114 blue in 1/2^16, rounded; a grey pixel's value as it is.
std::uint8_t luma(const std::uint8_t* pixel, std::int64_t channels) {
  if (channels == 1) return *pixel;
  return static_cast<std::uint8_t>(((19595 * pixel[0]) + (38470 * pixel[1]) + (7471 * pixel[2]) + 0x8000) >> 16);
}

/// Computes in fp32 like Pillow, so that results are truncated at the same values.
INCUBATE_VECTORISED void mix_bytes(const std::uint8_t* plainer, const std::uint8_t* bytes, std::size_t size,
                                   float weight, std::uint8_t* out) {
  for (std::size_t i = 0; i < size; ++i) {
    const int from = plainer[i];
    const float value = static_cast<float>(from) + (weight * static_cast<float>(bytes[i] - from));
    const float positive = value > 0 ? value : 0;
    out[i] = static_cast<std::uint8_t>(static_cast<int>(positive < 255 ? positive : 255));
  }
}

Image mix(const Image& plainer, const Image& image, double factor) {
  Image out(image.height, image.width, image.channels);
  mix_bytes(plainer.bytes.data(), image.bytes.data(), out.bytes.size(), static_cast<float>(factor), out.bytes.data());
  return out;
}

Image smooth(const Image& image) {
  Image out = image;
  for (std::int64_t y = 1; y + 1 < image.height; ++y) {
    for (std::int64_t i = image.channels; i < (image.width - 1) * image.channels; ++i) {
      int sum = 4 * image.at(y, 0)[i];
      for (const std::int64_t row : {y - 1, y, y + 1}) {
        const std::uint8_t* in = image.at(row, 0) + i;
        sum += in[-image.channels] + in[0] + in[image.channels];
      }
      out.at(y, 0)[i] = static_cast<std::uint8_t>(((2 * sum) + 13) / 26);  // sum/13, rounded
    }
  }
  return out;
}

}  // namespace

Image adjust_color(const Image& image, double factor) {
  Image grey = image;
  for (std::size_t i = 0; i < grey.bytes.size(); i += grey.channels) {
    std::fill_n(&grey.bytes[i], grey.channels, luma(&image.bytes[i], image.channels));
  }
  return mix(grey, image, factor);
}

Image adjust_contrast(const Image& image, double factor) {
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < image.bytes.size(); i += image.channels) sum += luma(&image.bytes[i], image.channels);
  Image even = image;
  const double mean = static_cast<double>(sum) / static_cast<double>(image.num_pixels());
  std::ranges::fill(even.bytes, static_cast<std::uint8_t>(mean + 0.5));
  return mix(even, image, factor);
}

Image adjust_brightness(const Image& image, double factor) {
  return mix(Image(image.height, image.width, image.channels), image, factor);
}

Image adjust_sharpness(const Image& image, double factor) { return mix(smooth(image), image, factor); }

}  // namespace incubate
