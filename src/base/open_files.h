#pragma once

#include <cstdint>

namespace incubate {

/// Raises the process's limit of open files as far as the system lets it, to 65536 at most, and returns the limit.
std::uint64_t raise_open_files();

}  // namespace incubate
