#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hdf5/verified_file.h"
#include "vision/dataset.h"
#include "vision/image_table.h"

namespace incubate {

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
const char* to_string(PackProblem::Kind kind);

/// One file with some of a split's encoded images (FORMAT.md), without the images' bytes.
struct ImageShard {
  Split split = Split::train;
  std::int64_t index = 0;     ///< among the split's shards
  std::string source_digest;  ///< identifies the source files and packing options
  std::vector<std::string> class_names;
  bool has_png = false;  ///< false: all images are JPEGs, which programs of version 1 can read
  ImageTable table;
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
