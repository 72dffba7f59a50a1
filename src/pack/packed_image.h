#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "vision/pixel_statistics.h"

namespace incubate {

/// How to pack the images of a folder.
struct EncodingOptions {
  std::optional<std::int64_t> shorter_side;  ///< larger images are reduced to it; empty: none are
  std::int64_t quality = 90;                 ///< of reduced JPEGs

  /// Returns all options as text, worded as in version 1, so that its shards stay valid.
  std::string describe() const;
};

/// An image as stored in a shard: a JPEG or PNG file.
struct PackedImage {
  std::vector<std::uint8_t> bytes;
  std::int64_t height = 0;
  std::int64_t width = 0;
  PixelSums sums = {};  ///< of its pixels, before a reduced JPEG is encoded again
  std::string remark;   ///< the true format, if the name is another format's
};

/// Returns a file's image as stored in a shard. Tells JPEG and PNG apart by content, and decodes every image, so that
/// no damaged image is packed. Refuses PNGs of 16 bits, of which decoding keeps 8. Bytes stay unchanged unless the
/// image is reduced: then a JPEG is encoded again in RGB, a PNG losslessly with 8 bits. Ignores EXIF orientation.
/// Throws ImageError with the reason if the image must be left out.
PackedImage pack_image(const std::string& name, std::span<const std::uint8_t> file, const EncodingOptions& options);

}  // namespace incubate
