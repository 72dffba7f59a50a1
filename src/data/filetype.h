#pragma once

#include "hdf5/file.h"

namespace incubate {

/// Throws InputError, naming the file `name`, unless it states this type and version.
void check_filetype(const Hdf5File& file, const std::string& name, const std::string& filetype, std::int64_t version);

}  // namespace incubate
