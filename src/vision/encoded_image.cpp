#include "vision/encoded_image.h"

#include "vision/jpeg.h"
#include "vision/png.h"

namespace incubate {

Image EncodedImage::part(const Box& box, std::int64_t least_height, std::int64_t least_width) const {
  try {
    return is_png(bytes_) ? decode_png_part(bytes_, box) : decode_jpeg_part(bytes_, box, least_height, least_width);
  } catch (const ImageError& error) {
    throw make_error_(error.what());
  }
}

}  // namespace incubate
