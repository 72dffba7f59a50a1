#pragma once

#include "vision/image.h"
#include "vision/image_source.h"

namespace incubate {

/// Returns `box` of `image` at another size, equal to Pillow's `resize((width, height), BICUBIC, box)` byte for byte.
/// The filter is Keys' cubic (a = -1/2), widened when shrinking (antialiased), with weights in 1/2^22. Rows are resized
/// before columns; each pass rounds to the image's 8 or 16 bits (Pillow has no 16). As in Pillow the filter sees pixels
/// outside `box`; crop() first to prevent that. REQUIRES: `box` lies within the image; all sizes are positive.
Image resize_bicubic(const Image& image, const Box& box, std::int64_t height, std::int64_t width);

/// A part of a resized image.
struct ResizedView {
  std::int64_t height = 0;  ///< height and width of the whole resized image
  std::int64_t width = 0;
  Box window = {};  ///< the part to make
  bool is_mirrored = false;
};

/// Returns `view` of the resized image.
Image resize_bicubic(const Image& image, const ResizedView& view);
/// Returns the same, but asks `source` only for the pixels that it needs.
Image resize_bicubic(const ImageSource& source, const ResizedView& view);

}  // namespace incubate
