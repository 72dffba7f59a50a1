#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "pack/packed_image.h"
#include "pack/source.h"
#include "vision/image_shard.h"

namespace incubate {

/// The source of a shard.
struct ShardSource {
  std::span<const SourcePart> parts;  ///< that files refer to
  std::string split_name;             ///< prefix of file names in problems
  std::span<const SourceFile> files;
};

/// Packs `source.files` in order into `shard`, whose other members are already set, and returns the images' bytes.
/// Leaves unusable images out and adds them to `shard.problems`. Calls `after_file` with the bytes read of each file;
/// it may abort by throwing. Throws InputError if a file cannot be read or differs from its listing.
std::vector<std::uint8_t> pack_files(const ShardSource& source, const EncodingOptions& options, ImageShard& shard,
                                     const std::function<void(std::int64_t bytes)>& after_file);

/// Number and packed bytes of some files' images, to predict the sizes of shards.
struct PackedSize {
  std::int64_t bytes = 0;
  std::int64_t images = 0;
};
PackedSize measure_files(const ShardSource& source, const EncodingOptions& options);

}  // namespace incubate
