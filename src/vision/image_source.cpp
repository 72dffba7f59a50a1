#include "vision/image_source.h"

#include <algorithm>

namespace incubate {

ArraySource::ArraySource(std::int64_t height, std::int64_t width, std::int64_t channels, std::int64_t value_bytes,
                         std::span<const std::uint8_t> pixels)
    : height_(height), width_(width), channels_(channels), value_bytes_(value_bytes), pixels_(pixels) {}

ArraySource::ArraySource(const Image& image)
    : ArraySource(image.height, image.width, image.channels, image.value_bytes, image.bytes) {}

Image ArraySource::part(const Box& box, std::int64_t /*least_height*/, std::int64_t /*least_width*/) const {
  Image out(box.height, box.width, channels_, value_bytes_);
  for (std::int64_t y = 0; y < box.height; ++y) {
    const std::int64_t first = (((box.top + y) * width_) + box.left) * out.pixel_bytes();
    std::ranges::copy(pixels_.subspan(first, box.width * out.pixel_bytes()), out.at(y, 0));
  }
  return out;
}

}  // namespace incubate
