#pragma once

#include "vision/image.h"
#include "vision/image_source.h"

namespace incubate {

/// `box` of `image` at another size, equal to Pillow's `resize((width, height), BICUBIC, box)` byte for byte: Keys'
/// cubic (a = -1/2), widened by the scale when it shrinks (antialiased), weights in 1/2^22, rows first, then columns,
/// each pass rounded to 8 bits. As in Pillow the filter sees pixels outside the box; crop() first where it must not.
/// REQUIRES: `box` lies within the image; all sizes are positive.
Image resize_bicubic(const Image& image, const Box& box, std::int64_t height, std::int64_t width);

/// What is made of a resized image.
struct ResizedView {
  std::int64_t height = 0;  ///< of the resized image
  std::int64_t width = 0;
  Box window = {};  ///< the part that is made, within it
  bool is_mirrored = false;
};

/// `view` of the whole image resized as above.
Image resize_bicubic(const Image& image, const ResizedView& view);
/// The same, asking `source` only for the pixels that it needs.
Image resize_bicubic(const ImageSource& source, const ResizedView& view);

}  // namespace incubate
