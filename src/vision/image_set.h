#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "vision/image_shard.h"

namespace incubate {

inline constexpr const char* kImageSetFiletype = "incubate image set";
inline constexpr std::int64_t kImageSetVersion = 2;

/// The images of one split, over all of its shards.
struct ImageSetSplit {
  std::vector<std::string> shards;               ///< file names, in the index's folder
  std::vector<std::uint64_t> shard_lengths;      ///< of these files, in bytes
  std::vector<std::uint64_t> shard_first_byte;   ///< where the images' bytes begin in each file
  std::vector<std::uint64_t> shard_first_image;  ///< shards + 1
  ImageTable table;                              ///< offsets count from the shard's first byte

  std::size_t num_shards() const { return shards.size(); }
  /// The shard that has image `image`. REQUIRES: image < table.size().
  std::size_t shard_of(std::size_t image) const;
  /// Appends a shard with at least one image.
  void append(const std::string& name, const ShardFile& file);
  /// Bytes of the images of shard `shard`.
  std::uint64_t num_bytes(std::size_t shard) const { return shard_lengths[shard] - shard_first_byte[shard]; }
  bool operator==(const ImageSetSplit&) const = default;
};

/// A set of encoded images: what its index file says (FORMAT.md).
struct ImageSet {
  std::vector<std::string> class_names;
  bool has_png = false;  ///< of a shard
  ImageSetSplit train;
  ImageSetSplit validation;

  ImageSetSplit& split(Split split) { return split == Split::train ? train : validation; }
  const ImageSetSplit& split(Split split) const { return split == Split::train ? train : validation; }
  bool operator==(const ImageSet&) const = default;
};

/// "F-train-00003.h5" for the index F.h5.
std::string shard_name(const FilePath& index, Split split, std::int64_t shard);
/// F-problems.txt for the index F.h5: what pack left out, and names of another format.
FilePath problems_path(const FilePath& index);

/// Writes the index atomically. Equal sets make equal files.
void write_image_set(const FilePath& index, const ImageSet& set);
/// Verifies the index file and that its parts fit. Does not look at the shards. Throws InputError.
ImageSet read_image_set(const FilePath& index);
/// Throws InputError if a shard is not there with the stated length.
void check_shard_lengths(const FilePath& index, const ImageSet& set);
void check_shard_length(const FilePath& shard, std::uint64_t stated);

}  // namespace incubate
