#pragma once

#include <string>

namespace incubate {

/// Of the HDF5 library that is loaded, such as "1.10.8".
std::string hdf5_version();

}  // namespace incubate
