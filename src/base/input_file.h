#pragma once

#include <filesystem>
#include <fstream>
#include <string>

namespace incubate {

/// Opens a file that the user named, to read bytes. Throws InputError with the system's reason if the file cannot be
/// opened or is a directory.
std::ifstream open_input_file(const std::filesystem::path& path);

/// Returns all bytes of a file that the user named. Throws InputError if the file cannot be opened or read.
std::string read_input_file(const std::filesystem::path& path);

/// Returns clean_text() of a file that the user named. Throws InputError as clean_text() and read_input_file() do, and
/// if the file is over 64 MiB.
std::string read_text_file(const std::filesystem::path& path);

}  // namespace incubate
