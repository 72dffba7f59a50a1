#pragma once

#include <cstdint>
#include <span>

#include "vision/image.h"

namespace incubate {

/// A source of pixels: an array in memory, or an encoded file that is decoded only in part.
class ImageSource {
 public:
  virtual ~ImageSource() = default;
  virtual std::int64_t height() const = 0;
  virtual std::int64_t width() const = 0;
  virtual std::int64_t channels() const = 0;
  /// Returns the pixels of `box`, or a smaller version with at least `least_height` x `least_width` pixels. REQUIRES:
  /// `box` lies within the image; all sizes are positive.
  virtual Image part(const Box& box, std::int64_t least_height, std::int64_t least_width) const = 0;

  Box whole() const { return {0, 0, height(), width()}; }
  /// Returns all pixels, unscaled.
  Image image() const { return part(whole(), height(), width()); }
};

/// Pixels in memory, which must outlive the object.
class ArraySource final : public ImageSource {
 public:
  /// REQUIRES: `pixels` has height x width x channels x value_bytes bytes.
  ArraySource(std::int64_t height, std::int64_t width, std::int64_t channels, std::int64_t value_bytes,
              std::span<const std::uint8_t> pixels);
  explicit ArraySource(const Image& image);

  std::int64_t height() const override { return height_; }
  std::int64_t width() const override { return width_; }
  std::int64_t channels() const override { return channels_; }
  Image part(const Box& box, std::int64_t least_height, std::int64_t least_width) const override;

 private:
  std::int64_t height_;
  std::int64_t width_;
  std::int64_t channels_;
  std::int64_t value_bytes_;
  std::span<const std::uint8_t> pixels_;
};

}  // namespace incubate
