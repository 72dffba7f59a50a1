#include "vision/image_error.h"

#include <new>

#include "base/check.h"
#include "base/out_of_memory.h"

namespace incubate {

void throw_decoder_error(const std::string& message) {
  if (says_out_of_memory(message)) throw std::bad_alloc();
  throw ImageError(message);
}

void check_image_size(std::int64_t height, std::int64_t width) {
  check_input<ImageError>(height >= 1 && width >= 1 && height <= kMostPixels / width,
                          "the image has {} x {} pixels; 1 to {} are possible", height, width, kMostPixels);
}

}  // namespace incubate
