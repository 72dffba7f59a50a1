#include "vision/raw_images.h"

#include <algorithm>
#include <span>

#include "vision/random_erasing.h"

namespace incubate {

void RawImages::prepare(std::int64_t num_bytes, const NormalisationTable& normalisation, std::int64_t num_erased) {
  bytes.resize(num_bytes);
  table.reserve(256 * normalisation.values().size());
  for (const std::array<float, 256>& values : normalisation.values()) {
    table.insert(table.end(), values.begin(), values.end());
  }
  erased.resize(num_erased);
  noise.resize(num_erased * normalisation.values().size());
}

void RawImages::write_image(std::int64_t k, const Image& image) {
  std::ranges::copy(image.bytes, bytes.begin() + (k * std::ssize(image.bytes)));
}

void RawImages::write_erased(std::int64_t k, std::int64_t height, std::int64_t width, const Box& box,
                             Generator generator, std::int64_t first) {
  auto out = erased.begin() + first;
  for (std::int64_t y = box.top; y < box.top + box.height; ++y) {
    for (std::int64_t x = box.left; x < box.left + box.width; ++x) *out++ = (((k * height) + y) * width) + x;
  }
  const std::int64_t channels = std::ssize(table) / 256;
  write_noise(generator, channels, std::span(noise).subspan(first * channels, box.height * box.width * channels));
}

}  // namespace incubate
