#pragma once

#include <cstdint>

#include "config/pack_config.h"
#include "vision/dataset.h"
#include "vision/labelled_images.h"

namespace incubate {

/// Creates the folder of `output`. Throws InputError if that fails or `output` is itself a folder.
void check_output(const std::string& output);

/// Packs IDX or CIFAR files into one HDF5 file (FORMAT.md) and returns its description. If the output already matches,
/// sets `was_complete` and writes nothing. Throws InputError on bad input; leaves no partial file.
DatasetInfo pack(const PackConfig& config, bool& was_complete);

}  // namespace incubate
