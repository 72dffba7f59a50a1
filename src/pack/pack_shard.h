#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "pack/image_folder.h"
#include "pack/packed_image.h"
#include "vision/image_shard.h"

namespace incubate {

/// What a shard is made from.
struct ShardSource {
  std::filesystem::path split_folder;  ///< that the files' names are relative to
  std::string split_name;              ///< as it stands before the names in problems
  std::span<const SourceFile> files;
};

/// Packs `source.files`, in their order, into `shard`, of which all but the images is set, and returns their bytes.
/// Images that cannot be used are left out and are `shard.problems`. `after_file` is called after each file with the
/// bytes read, and may end it all by throwing. Throws InputError if a file cannot be read or is not as it was listed.
std::vector<std::uint8_t> pack_files(const ShardSource& source, const EncodingOptions& options, ImageShard& shard,
                                     const std::function<void(std::int64_t bytes)>& after_file);

/// The bytes that the images of `files` have when packed, and how many there are: to know the size of shards before.
struct PackedSize {
  std::int64_t bytes = 0;
  std::int64_t images = 0;
};
PackedSize measure_files(const ShardSource& source, const EncodingOptions& options);

}  // namespace incubate
