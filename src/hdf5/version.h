#pragma once

#include <string>

namespace incubate {

/// Returns the version of the loaded HDF5 library, such as "1.10.8".
std::string hdf5_version();

}  // namespace incubate
