#pragma once

#include <cstdint>

#include "config/pack_config.h"
#include "vision/dataset.h"
#include "vision/labelled_images.h"

namespace incubate {

/// Makes the folder of `output`. Throws InputError if it cannot be, or `output` is a folder itself.
void check_output(const std::string& output);

/// Packs IDX or CIFAR files into one HDF5 file (FORMAT.md) and returns what it holds. If the output already holds just
/// this, nothing is written and `was_complete` is set. Throws InputError on bad input; nothing half-written is left.
DatasetInfo pack(const PackConfig& config, bool& was_complete);

}  // namespace incubate
