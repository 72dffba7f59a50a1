#pragma once

#include "hdf5/file.h"

namespace incubate {

/// Returns the file's version. Throws InputError, naming the file `name`, unless the file has this type and a version
/// from 1 to `newest`.
std::int64_t check_filetype(const Hdf5File& file, const std::string& name, const std::string& filetype,
                            std::int64_t newest);

}  // namespace incubate
