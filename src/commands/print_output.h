#pragma once

#include <string>

namespace incubate {

/// Writes `text` to standard output. Throws std::runtime_error with the reason if that fails, such as on a full disk.
void print_output(const std::string& text);

}  // namespace incubate
