#pragma once

#include <cstdint>
#include <string>

namespace incubate {

/// Formats a number with three digits and a decimal prefix of `unit`: 632,045,800 bytes as "632 MB".
std::string short_number(double value, const char* unit);

inline std::string bytes_text(double bytes) { return short_number(bytes, "B"); }
inline std::string bytes_text(std::int64_t bytes) { return bytes_text(static_cast<double>(bytes)); }

}  // namespace incubate
