#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "hdf5/verified_file.h"
#include "vision/dataset.h"
#include "vision/pixel_statistics.h"

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

  /// Calls `function` with the name of each column in files and that column of each of `tables`.
  template <typename Function, typename... Tables>
  static void for_each_column(const Function& function, Tables&... tables) {
    function("offsets", tables.offsets...);
    function("lengths", tables.lengths...);
    function("labels", tables.labels...);
    function("heights", tables.heights...);
    function("widths", tables.widths...);
    function("checksums", tables.checksums...);
  }

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

inline constexpr const char* kShardFiletype = "incubate image shard";
inline constexpr std::int64_t kShardVersion = 2;

/// A problem with a file to be packed.
struct PackProblem {
  enum class Kind { misnamed, converted, left_out };  // `converted` (to JPEG) was written by version 1
  Kind kind = Kind::left_out;
  std::string file;  ///< relative to the packed directory
  std::string reason;

  bool operator==(const PackProblem&) const = default;
};
inline constexpr std::array kPackProblemKinds = {PackProblem::Kind::misnamed, PackProblem::Kind::converted,
                                                 PackProblem::Kind::left_out};
const char* to_string(PackProblem::Kind kind);

/// One file with some of a split's encoded images (FORMAT.md), without the images' bytes.
struct ImageShard {
  Split split = Split::train;
  std::int64_t index = 0;     ///< among the split's shards
  std::string source_digest;  ///< identifies the source files and packing options
  std::vector<std::string> class_names;
  bool has_png = false;  ///< false: all images are JPEGs, which programs of version 1 can read
  ImageTable table;
  PixelSums sums = {};             ///< of all images' pixels; without values in shards of older programs
  std::vector<std::string> files;  ///< source of each image, relative to the packed directory
  std::vector<PackProblem> problems;

  bool operator==(const ImageShard&) const = default;
};

/// Writes a shard atomically. `bytes` holds the images of `shard.table` one after the other without gaps.
void write_shard(const FilePath& path, const ImageShard& shard, std::span<const std::uint8_t> bytes);

/// A shard as read from a file.
struct ShardFile {
  ImageShard shard;
  std::uint64_t first_byte = 0;  ///< offset of the images' bytes in the file; 0 if there are no images
  std::uint64_t length = 0;      ///< bytes of the file
};

/// Returns a shard. Throws InputError if the file is no shard or contradicts itself. REQUIRES: verify_file(path) passed
/// on any rank.
ShardFile read_shard(const FilePath& path);

}  // namespace incubate
