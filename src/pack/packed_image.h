#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace incubate {

/// How images of a folder are packed.
struct EncodingOptions {
  std::optional<std::int64_t> shorter_side;  ///< larger images are reduced to it; without it none
  std::int64_t quality = 90;                 ///< of JPEGs that are reduced

  /// All of it, in the words of version 1, so that shards that it made stay.
  std::string describe() const;
};

/// An image as it goes into a shard: a JPEG or PNG file.
struct PackedImage {
  std::vector<std::uint8_t> bytes;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::string remark;  ///< what it is, if its name is another format's
};

/// Makes a file's bytes ready for a shard. JPEG and PNG are told apart by content; every image is decoded, so that none
/// in a shard is damaged. They stay byte for byte as they are unless they are to be reduced: then a JPEG is encoded
/// anew in red, green and blue, and a PNG too, without loss, of 8 bits each. Orientation in EXIF is left alone. Throws
/// ImageError, saying why, if the image is to be left out.
PackedImage pack_image(const std::string& name, std::span<const std::uint8_t> file, const EncodingOptions& options);

}  // namespace incubate
