#pragma once

#include <cstdint>
#include <string>

namespace incubate {

/// 632,045,800 as 632 M and the like: three digits and a decimal prefix of `unit`.
std::string short_number(double value, const char* unit);

inline std::string bytes_text(double bytes) { return short_number(bytes, "B"); }
inline std::string bytes_text(std::int64_t bytes) { return bytes_text(static_cast<double>(bytes)); }

}  // namespace incubate
