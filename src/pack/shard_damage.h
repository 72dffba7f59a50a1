#pragma once

#include <functional>
#include <string>
#include <vector>

#include "vision/encoded_image_set.h"

namespace incubate {

/// All that is wrong with a shard of `set`, which the file `index` holds: its length, its checksum as a whole, what it
/// says of its images, each image's checksum. Empty if nothing is. `images` reads those of the shard's split;
/// `after_image` is called for each with its bytes.
std::vector<std::string> find_shard_damage(const FilePath& index, const ImageSet& set, Split split, std::size_t shard,
                                           const EncodedImageSet& images,
                                           const std::function<void(std::int64_t bytes)>& after_image);

}  // namespace incubate
