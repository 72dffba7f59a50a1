#pragma once

#include <cstdint>
#include <span>

#include "vision/image.h"

namespace incubate {

/// Where an image's pixels come from: an array in memory, or an encoded file of which only a part is decoded.
class ImageSource {
 public:
  virtual ~ImageSource() = default;
  virtual std::int64_t height() const = 0;
  virtual std::int64_t width() const = 0;
  virtual std::int64_t channels() const = 0;
  /// The pixels of `box`, or a smaller image of it of at least `least_height` x `least_width` pixels.
  /// REQUIRES: `box` lies within the image; all sizes are positive.
  virtual Image part(const Box& box, std::int64_t least_height, std::int64_t least_width) const = 0;

  Box whole() const { return {0, 0, height(), width()}; }
  /// All pixels as they are.
  Image image() const { return part(whole(), height(), width()); }
};

/// Pixels in memory, which must outlive this.
class ArraySource final : public ImageSource {
 public:
  /// REQUIRES: height x width x channels bytes.
  ArraySource(std::int64_t height, std::int64_t width, std::int64_t channels, std::span<const std::uint8_t> pixels);
  explicit ArraySource(const Image& image);

  std::int64_t height() const override { return height_; }
  std::int64_t width() const override { return width_; }
  std::int64_t channels() const override { return channels_; }
  Image part(const Box& box, std::int64_t least_height, std::int64_t least_width) const override;

 private:
  std::int64_t height_;
  std::int64_t width_;
  std::int64_t channels_;
  std::span<const std::uint8_t> pixels_;
};

/// A JPEG file in memory, which must outlive this; decoded when and where pixels are asked for. Its functions throw
/// ImageError.
class JpegSource final : public ImageSource {
 public:
  /// Reads the header.
  explicit JpegSource(std::span<const std::uint8_t> bytes);

  std::int64_t height() const override { return height_; }
  std::int64_t width() const override { return width_; }
  std::int64_t channels() const override { return 3; }
  Image part(const Box& box, std::int64_t least_height, std::int64_t least_width) const override;

 private:
  std::int64_t height_;
  std::int64_t width_;
  std::span<const std::uint8_t> bytes_;
};

}  // namespace incubate
