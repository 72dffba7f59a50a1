#pragma once

#include <functional>
#include <string>
#include <vector>

#include "vision/encoded_dataset.h"

namespace incubate {

/// Returns everything wrong with a shard of `set`, whose index is the file `index`: the shard's length, its checksum,
/// its tables, each image's checksum. Empty if nothing is wrong. `images` reads the shard's split. Calls `after_image`
/// with the bytes of each image.
std::vector<std::string> find_shard_damage(const FilePath& index, const ImageSet& set, Split split, std::size_t shard,
                                           const EncodedDataset& images,
                                           const std::function<void(std::int64_t bytes)>& after_image);

}  // namespace incubate
