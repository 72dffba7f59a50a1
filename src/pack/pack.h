#pragma once

#include <cstdint>

#include "base/log.h"
#include "config/pack_config.h"
#include "vision/dataset.h"
#include "vision/labelled_images.h"

namespace incubate {

/// Creates the folder of the output. Throws InputError if that fails, or if the output is a folder, a file that packing
/// reads, or another file than of a data set.
void check_output(const PackConfig& config);

/// Packs IDX or CIFAR files into one HDF5 file (FORMAT.md) and returns its description. If the output already matches,
/// sets `was_complete` and writes nothing; else warns of classes without images. Throws InputError on bad input; leaves
/// no partial file.
DatasetInfo pack(const PackConfig& config, bool& was_complete, Log& log);

}  // namespace incubate
