#include "vision/byte_maps.h"

#include <algorithm>
#include <array>
#include <numeric>

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

}  // namespace incubate
