#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace incubate {

/// The longest side of a packed image: as long as a JPEG file can state.
inline constexpr std::int64_t kLongestSide = 65535;

/// What is known of encoded images without reading them, in their order: those of one shard, or of a whole split.
struct ImageTable {
  std::vector<std::uint64_t> offsets;  ///< where an image begins in its shard's bytes
  std::vector<std::uint64_t> lengths;  ///< bytes
  std::vector<std::int64_t> labels;
  std::vector<std::int32_t> heights;
  std::vector<std::int32_t> widths;
  std::vector<std::uint64_t> checksums;  ///< image_checksum() of the bytes

  std::size_t size() const { return labels.size(); }
  void append(const ImageTable& more);
  /// Images begin .. end-1.
  ImageTable part(std::size_t begin, std::size_t end) const;
  bool operator==(const ImageTable&) const = default;
};

/// XXH3 (64 bits).
std::uint64_t image_checksum(std::span<const std::uint8_t> bytes);

/// Throws InputError, beginning with `origin`, if columns differ in length or a label or side is out of range.
void check_table(const ImageTable& table, std::int64_t num_classes, const std::string& origin);

/// Throws InputError unless images begin .. end-1 lie in `num_bytes` bytes, one behind the other, none of them empty.
void check_places(const ImageTable& table, std::size_t begin, std::size_t end, std::uint64_t num_bytes,
                  const std::string& origin);

}  // namespace incubate
