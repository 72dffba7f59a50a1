#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "vision/image_shard.h"

namespace incubate {

inline constexpr const char* kImageSetFiletype = "incubate image set";
inline constexpr std::int64_t kImageSetVersion = 2;

/// The images of one split, in all of its shards.
struct ImageSetSplit {
  std::vector<std::string> shards;               ///< file names, in the index's directory
  std::vector<std::uint64_t> shard_lengths;      ///< bytes of each file
  std::vector<std::uint64_t> shard_first_byte;   ///< offset of the images' bytes in each file
  std::vector<std::uint64_t> shard_first_image;  ///< shards + 1
  ImageTable table;                              ///< offsets count from the shard's first byte

  std::size_t num_shards() const { return shards.size(); }
  /// Returns the shard of image `image`. REQUIRES: image < table.size().
  std::size_t shard_of(std::size_t image) const;
  /// Appends a shard with at least one image.
  void append(const std::string& name, const ShardFile& file);
  /// Returns the bytes of the images in shard `shard`.
  std::uint64_t num_bytes(std::size_t shard) const { return shard_lengths[shard] - shard_first_byte[shard]; }
  bool operator==(const ImageSetSplit&) const = default;
};

/// A set of encoded images, as its index file describes it (FORMAT.md).
struct ImageSet {
  std::vector<std::string> class_names;
  bool has_png = false;             ///< any shard has PNG images
  PixelStatistics statistics = {};  ///< of the training images
  ImageSetSplit train;
  ImageSetSplit validation;

  ImageSetSplit& split(Split split) { return split == Split::train ? train : validation; }
  const ImageSetSplit& split(Split split) const { return split == Split::train ? train : validation; }
  bool operator==(const ImageSet&) const = default;
};

/// Returns "F-train-00003.h5" for the index F.h5.
std::string shard_name(const FilePath& index, Split split, std::int64_t shard);
/// Returns the path of a shard: beside the index, or beside the file that the index is a link to.
FilePath shard_path(const FilePath& index, const std::string& name);
/// Returns F-problems.txt for the index F.h5: the list of files that pack left out or found misnamed.
FilePath problems_path(const FilePath& index);

/// Writes the index atomically. Equal sets make equal files.
void write_image_set(const FilePath& index, const ImageSet& set);
/// Returns a set from its index file, after verifying the file and its consistency. Does not look at shards. Throws
/// InputError.
ImageSet read_image_set(const FilePath& index);
/// Throws InputError if a shard is missing or has another length than stated.
void check_shard_lengths(const FilePath& index, const ImageSet& set);
void check_shard_length(const FilePath& shard, std::uint64_t stated);

}  // namespace incubate
