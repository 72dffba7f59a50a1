#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "vision/image.h"
#include "vision/image_error.h"

namespace incubate {

/// Header of a JPEG file.
struct JpegInfo {
  std::int64_t height = 0;
  std::int64_t width = 0;
  int components = 0;  ///< 1 grey, 3 colour, 4 CMYK or YCCK
};

/// Returns the header without decoding. Throws ImageError.
JpegInfo read_jpeg_info(std::span<const std::uint8_t> bytes);

/// Returns the image in RGB, whatever colour space the file has; equal to Pillow's convert("RGB") byte for byte. Throws
/// ImageError if the data are damaged or incomplete.
Image decode_jpeg(std::span<const std::uint8_t> bytes);

/// Returns the pixels of `box`, at 1/2, 1/4 or 1/8 scale if the result keeps at least `least_height` x `least_width`
/// pixels. At full scale they equal decode_jpeg()'s. Decodes only what it needs, so damage elsewhere may go unseen. At
/// a smaller scale the borders of `box` move to the nearest pixel boundary. The result resized then differs from the
/// whole image's: by 0.4 to 1.3 of 255 on average, up to 32 at sharp edges. Throws ImageError, also if `box` exceeds
/// the image. REQUIRES: all sizes are positive.
Image decode_jpeg_part(std::span<const std::uint8_t> bytes, const Box& box, std::int64_t least_height,
                       std::int64_t least_width);

/// Returns the image as a JPEG file, grey or with 4:2:0 colours; `quality` is libjpeg's, 1 .. 100. Equal images make
/// equal files. Throws ImageError if a side is longer than 65500.
std::vector<std::uint8_t> encode_jpeg(const Image& image, int quality);

}  // namespace incubate
