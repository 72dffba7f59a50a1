#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace incubate {

/// Throws InputError if `output`, the value of --output, cannot name a file: it is a directory or a device, one of
/// `inputs` (files that the command reads), or too long a name for the suffixes of drafts and locks.
void check_output_name(const std::string& output, const std::vector<std::string>& inputs = {});

/// Throws InputError unless files can be made where `output` is to lie.
void check_output_place(const std::filesystem::path& output);

/// Throws InputError if `output` exists and does not begin with `begin`, as a text that may be replaced does.
void check_text_replaceable(const std::filesystem::path& output, const std::string& begin);

}  // namespace incubate
