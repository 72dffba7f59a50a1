#pragma once

#include <string>

namespace incubate {

/// Throws InputError if a file of the name `output`, the value of --output, cannot be written whatever the place: it is
/// a folder, or leaves no room for what drafts and locks beside the file append to its name.
void check_output_name(const std::string& output);

}  // namespace incubate
