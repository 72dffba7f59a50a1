#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace incubate {

/// Longest side of a packed image: the limit of the JPEG format.
inline constexpr std::int64_t kLongestSide = 65535;

/// Describes encoded images without their bytes, in order: those of one shard or of a whole split.
struct ImageTable {
  std::vector<std::uint64_t> offsets;  ///< offset of the image in its shard's bytes
  std::vector<std::uint64_t> lengths;  ///< bytes
  std::vector<std::int64_t> labels;
  std::vector<std::int32_t> heights;
  std::vector<std::int32_t> widths;
  std::vector<std::uint64_t> checksums;  ///< image_checksum() of the bytes

  std::size_t size() const { return labels.size(); }
  void append(const ImageTable& more);
  /// Returns the rows of images begin .. end-1.
  ImageTable part(std::size_t begin, std::size_t end) const;
  bool operator==(const ImageTable&) const = default;
};

/// Returns the XXH3 hash (64 bits).
std::uint64_t image_checksum(std::span<const std::uint8_t> bytes);

/// Throws InputError, beginning with `origin`, if columns differ in length or a label or side is out of range.
void check_table(const ImageTable& table, std::int64_t num_classes, const std::string& origin);

/// Throws InputError unless images begin .. end-1 follow each other within `num_bytes` bytes, none of them empty.
void check_places(const ImageTable& table, std::size_t begin, std::size_t end, std::uint64_t num_bytes,
                  const std::string& origin);

}  // namespace incubate
