#pragma once

#include <string>

namespace incubate {

/// Throws InputError if `output`, the value of --output, cannot name a file in any directory: it is a directory, or its
/// name is too long for the suffixes of drafts and locks.
void check_output_name(const std::string& output);

}  // namespace incubate
