#pragma once

#include <string>

namespace incubate {

/// Returns a field of a CSV file (RFC 4180): in quotes where it has a comma, a quote or a line end.
std::string csv_field(const std::string& text);

}  // namespace incubate
