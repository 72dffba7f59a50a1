#pragma once

#include <string>
#include <vector>

namespace incubate {

/// Throws InputError if `output`, the value of --output, cannot name a file: it is a directory or a device, one of
/// `inputs` (files that the command reads), or too long a name for the suffixes of drafts and locks.
void check_output_name(const std::string& output, const std::vector<std::string>& inputs = {});

}  // namespace incubate
