#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "data/damaged_samples.h"
#include "vision/image_source.h"

namespace incubate {

/// A JPEG or PNG image, of which no more is decoded than asked for.
class EncodedImage final : public ImageSource {
 public:
  /// Returns the error that names the image; throws none.
  using MakeError = std::function<DamagedSampleError(const std::string& what_is_wrong)>;

  /// `height` and `width` are the image's. `make_error` must stay callable as long as the object lives.
  EncodedImage(std::vector<std::uint8_t> bytes, std::int64_t height, std::int64_t width, MakeError make_error)
      : bytes_(std::move(bytes)), height_(height), width_(width), make_error_(std::move(make_error)) {}

  std::int64_t height() const override { return height_; }
  std::int64_t width() const override { return width_; }
  std::int64_t channels() const override { return 3; }
  Image part(const Box& box, std::int64_t least_height, std::int64_t least_width) const override;

 private:
  std::vector<std::uint8_t> bytes_;
  std::int64_t height_;
  std::int64_t width_;
  MakeError make_error_;
};

}  // namespace incubate
