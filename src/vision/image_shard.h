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

/// Something odd about a file that was to be packed.
struct PackProblem {
  enum class Kind { misnamed, converted, left_out };  // converted to a JPEG: by programs of version 1
  Kind kind = Kind::left_out;
  std::string file;  ///< relative to the folder packed
  std::string reason;

  bool operator==(const PackProblem&) const = default;
};
const char* to_string(PackProblem::Kind kind);

/// One file with some of a split's images, as they were encoded (FORMAT.md). Without the images' bytes.
struct ImageShard {
  Split split = Split::train;
  std::int64_t index = 0;     ///< among the split's shards
  std::string source_digest;  ///< names what it was made from
  std::vector<std::string> class_names;
  bool has_png = false;  ///< false: all images are JPEGs, which programs of version 1 can read
  ImageTable table;
  std::vector<std::string> files;  ///< where each image came from, relative to the folder packed
  std::vector<PackProblem> problems;

  bool operator==(const ImageShard&) const = default;
};

/// Writes a shard atomically. `bytes` are those of the images of `shard.table`, one after the other without gaps.
void write_shard(const FilePath& path, const ImageShard& shard, std::span<const std::uint8_t> bytes);

/// A shard's file as it is found.
struct ShardFile {
  ImageShard shard;
  std::uint64_t first_byte = 0;  ///< where the images' bytes begin in the file; 0 if there are none
  std::uint64_t length = 0;      ///< of the file
};

/// Throws InputError if it is not a shard or its parts do not fit. REQUIRES: verify_file(path) passed, on any rank.
ShardFile read_shard(const FilePath& path);

}  // namespace incubate
