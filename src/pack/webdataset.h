#pragma once

#include "pack/source.h"

namespace incubate {

/// Finds the shards of a WebDataset: tar files with KEY.jpg (.jpeg, .png) and KEY.cls for each sample. Throws
/// InputError if one is missing or is no tar archive.
Source open_webdataset(const PackConfig& config);

/// Lists a shard's images. Classes are the numbers in the .cls files. Leaves out samples without image or label. Throws
/// InputError if a label is no number, a sample has two of something, or the archive is damaged.
Listing list_webdataset(const SourcePart& part);

}  // namespace incubate
