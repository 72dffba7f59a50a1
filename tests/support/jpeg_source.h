#pragma once

#include "vision/image_source.h"
#include "vision/jpeg.h"

namespace incubate {

/// A JPEG file in memory, which must outlive the object. part() decodes only what it needs. All functions throw
/// ImageError.
class JpegSource final : public ImageSource {
 public:
  explicit JpegSource(std::span<const std::uint8_t> bytes) : info_(read_jpeg_info(bytes)), bytes_(bytes) {}

  std::int64_t height() const override { return info_.height; }
  std::int64_t width() const override { return info_.width; }
  std::int64_t channels() const override { return 3; }
  Image part(const Box& box, std::int64_t least_height, std::int64_t least_width) const override {
    return decode_jpeg_part(bytes_, box, least_height, least_width);
  }

 private:
  JpegInfo info_;
  std::span<const std::uint8_t> bytes_;
};

}  // namespace incubate
