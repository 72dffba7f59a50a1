#include "vision/colours.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "base/vectorised.h"

namespace incubate {
namespace {

using ByteMap = std::array<std::uint8_t, 256>;
using Histogram = std::array<std::int64_t, 256>;

template <typename Function>
ByteMap make_map(Function function) {
  ByteMap map{};
  for (int value = 0; value < 256; ++value) map[value] = static_cast<std::uint8_t>(function(value));
  return map;
}

Histogram count_values(const Image& image, std::int64_t channel) {
  Histogram histogram{};
  for (std::size_t i = channel; i < image.bytes.size(); i += image.channels) ++histogram[image.bytes[i]];
  return histogram;
}

Image map_bytes(const Image& image, const ByteMap& map) {
  Image out = image;
  for (std::uint8_t& byte : out.bytes) byte = map[byte];
  return out;
}

/// Maps each channel by the map that `make` builds from its histogram.
template <typename Make>
Image map_channels(const Image& image, Make make) {
  Image out = image;
  for (std::int64_t channel = 0; channel < image.channels; ++channel) {
    const ByteMap map = make(count_values(image, channel));
    for (std::size_t i = channel; i < out.bytes.size(); i += out.channels) out.bytes[i] = map[out.bytes[i]];
  }
  return out;
}

/// Returns the least and the largest value that occurs.
std::pair<int, int> find_extremes(const Histogram& histogram) {
  const auto occurs = [](std::int64_t count) { return count > 0; };
  const auto first = std::ranges::find_if(histogram, occurs) - histogram.begin();
  const auto last = 255 - (std::find_if(histogram.rbegin(), histogram.rend(), occurs) - histogram.rbegin());
  return {static_cast<int>(first), static_cast<int>(last)};
}

ByteMap make_stretching_map(const Histogram& histogram) {
  const auto [least, largest] = find_extremes(histogram);
  if (least == largest) return make_map([](int value) { return value; });
  const double scale = 255.0 / (largest - least);
  const double offset = -least * scale;
  return make_map([&](int value) { return std::clamp(static_cast<int>((value * scale) + offset), 0, 255); });
}

ByteMap make_equalizing_map(const Histogram& histogram) {
  const std::int64_t total = std::accumulate(histogram.begin(), histogram.end(), std::int64_t{0});
  const std::int64_t step = (total - histogram[find_extremes(histogram).second]) / 255;
  if (step == 0) return make_map([](int value) { return value; });
  std::int64_t below = step / 2;
  return make_map([&](int value) {
    const std::int64_t mapped = std::min<std::int64_t>(below / step, 255);
    below += histogram[value];
    return mapped;
  });
}

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

Image auto_contrast(const Image& image) { return map_channels(image, make_stretching_map); }
Image equalize(const Image& image) { return map_channels(image, make_equalizing_map); }
Image invert(const Image& image) {
  return map_bytes(image, make_map([](int value) { return 255 - value; }));
}
Image posterize(const Image& image, int bits) {
  return map_bytes(image, make_map([bits](int value) { return value >> (8 - bits) << (8 - bits); }));
}
Image solarize(const Image& image, int threshold) {
  return map_bytes(image, make_map([threshold](int value) { return value < threshold ? value : 255 - value; }));
}
Image solarize_add(const Image& image, int summand) {
  return map_bytes(image,
                   make_map([summand](int value) { return value < 128 ? std::min(255, value + summand) : value; }));
}

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
