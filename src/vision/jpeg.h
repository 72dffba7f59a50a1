#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "vision/image.h"
#include "vision/image_error.h"

namespace incubate {

/// What a JPEG file says of itself.
struct JpegInfo {
  std::int64_t height = 0;
  std::int64_t width = 0;
  int components = 0;  ///< 1 grey, 3 colour, 4 CMYK or YCCK
};

/// Reads the header only. Throws ImageError.
JpegInfo read_jpeg_info(std::span<const std::uint8_t> bytes);

/// The image in red, green and blue, whatever the file has; equal to Pillow's convert("RGB") byte for byte. Throws
/// ImageError if the data are damaged or incomplete.
Image decode_jpeg(std::span<const std::uint8_t> bytes);

/// The pixels of `box`, at a half, a quarter or an eighth of the scale where the result still has at least
/// `least_height` x `least_width` pixels; at full scale exactly those of decode_jpeg(). Decodes only what it needs, so
/// damage elsewhere may go unseen. At a smaller scale the borders of `box` move to the nearest between two pixels, and
/// the result resized differs from the whole image's: by 0.4 to 1.3 of 255 in the mean, up to 32 at sharp edges.
/// Throws ImageError also if the image does not reach as far as `box`. REQUIRES: all sizes are positive.
Image decode_jpeg_part(std::span<const std::uint8_t> bytes, const Box& box, std::int64_t least_height,
                       std::int64_t least_width);

/// A JPEG file of the image, grey or with colours at half the resolution (4:2:0); `quality` is libjpeg's, 1 .. 100.
/// Equal images make equal files. Throws ImageError if a side is longer than 65500.
std::vector<std::uint8_t> encode_jpeg(const Image& image, int quality);

}  // namespace incubate
