#pragma once

#include <cstdint>

namespace incubate {

/// Returns the most bytes that have been in memory at once of this process, libraries and whatever it maps included.
std::int64_t resident_set_peak_bytes();

}  // namespace incubate
