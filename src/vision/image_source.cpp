#include "vision/image_source.h"

#include <algorithm>

namespace incubate {

ArraySource::ArraySource(std::int64_t height, std::int64_t width, std::int64_t channels,
                         std::span<const std::uint8_t> pixels)
    : height_(height), width_(width), channels_(channels), pixels_(pixels) {}

ArraySource::ArraySource(const Image& image) : ArraySource(image.height, image.width, image.channels, image.bytes) {}

Image ArraySource::part(const Box& box, std::int64_t /*least_height*/, std::int64_t /*least_width*/) const {
  Image out(box.height, box.width, channels_);
  for (std::int64_t y = 0; y < box.height; ++y) {
    const std::int64_t first = (((box.top + y) * width_) + box.left) * channels_;
    std::ranges::copy(pixels_.subspan(first, box.width * channels_), out.at(y, 0));
  }
  return out;
}

}  // namespace incubate
