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
  std::int64_t quality = 90;                 ///< of those that are encoded anew

  /// All of it, in words.
  std::string describe() const;
};

/// An image as it goes into a shard: a JPEG, grey or in colour.
struct PackedImage {
  std::vector<std::uint8_t> bytes;
  std::int64_t height = 0;
  std::int64_t width = 0;
  bool is_converted = false;  ///< it was not such a JPEG
  std::string remark;         ///< what it was, if it was converted, or if its name is another format's
};

/// Makes a file's bytes ready for a shard. JPEG and PNG are told apart by content; every image is decoded, so that none
/// in a shard is damaged; those that are grey or in colour stay byte for byte as they are unless they are to be
/// reduced; other JPEGs (CMYK) and PNGs are encoded anew. Orientation in EXIF is left alone. Throws ImageError, saying
/// why, if the image is to be left out.
PackedImage pack_image(const std::string& name, std::span<const std::uint8_t> file, const EncodingOptions& options);

}  // namespace incubate
