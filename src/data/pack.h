#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "config/pack_config.h"
#include "data/dataset.h"

namespace incubate {

inline constexpr const char* kDatasetFiletype = "incubate dataset";
inline constexpr std::int64_t kDatasetVersion = 1;

/// Packs IDX files into one HDF5 file (FORMAT.md) and returns what it holds. If the output already holds just this,
/// nothing is written and `was_complete` is set. Throws InputError on bad input; nothing half-written is left.
DatasetInfo pack_idx(const PackConfig& config, bool& was_complete);

/// Throws InputError naming the first label outside [0, num_classes).
void check_labels(std::span<const std::int64_t> labels, std::int64_t num_classes, const std::string& origin);

}  // namespace incubate
