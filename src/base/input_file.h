#pragma once

#include <filesystem>
#include <fstream>
#include <string>

namespace incubate {

/// Opens a file that the user named, to read its bytes. Throws InputError with the system's reason if the file cannot
/// be opened, or if it is a folder.
std::ifstream open_input_file(const std::filesystem::path& path);

/// Returns all bytes of such a file. Throws InputError as open_input_file() does, and if a byte cannot be read.
std::string read_input_file(const std::filesystem::path& path);

/// Returns the clean_text() of such a file. Throws InputError as both do, and if the file is too large for settings or
/// names, as images are.
std::string read_text_file(const std::filesystem::path& path);

}  // namespace incubate
