#pragma once

#include <string>

namespace incubate {

/// Writes `text` to standard output, for commands whose product is what they print. Throws std::runtime_error with the
/// reason if it cannot be written, such as on a full disk.
void print_output(const std::string& text);

}  // namespace incubate
