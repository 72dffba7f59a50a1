#pragma once

#include <filesystem>

#include "base/check.h"

namespace incubate {

/// Runs `read`, which reads the file `path`: what HDF5 refuses there, such as an array that is missing, is the file's
/// fault and becomes an InputError.
template <typename Read>
auto read_untrusted(const std::filesystem::path& path, Read&& read) {
  try {
    return read();
  } catch (const InputError&) {
    throw;
  } catch (const std::runtime_error& error) {
    throw InputError(
        fmt::format("{} is not laid out as its type is: {}. Make or copy it again.", path.string(), error.what()));
  }
}

}  // namespace incubate
