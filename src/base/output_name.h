#pragma once

#include <string>

namespace incubate {

/// Throws InputError if `output`, the value of --output, cannot name a file: it is a directory, or too long a name for
/// the suffixes of drafts and locks.
void check_output_name(const std::string& output);

}  // namespace incubate
