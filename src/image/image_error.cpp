#include "image/image_error.h"

#include "base/check.h"

namespace incubate {

void check_image_size(std::int64_t height, std::int64_t width) {
  check_input<ImageError>(height >= 1 && width >= 1 && height <= kMostPixels / width,
                          "the image has {} x {} pixels; 1 to {} are possible", height, width, kMostPixels);
}

}  // namespace incubate
