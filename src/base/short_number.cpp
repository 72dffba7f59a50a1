#include "base/short_number.h"

#include <array>
#include <cmath>

#include <fmt/format.h>

namespace incubate {

std::string short_number(double value, const char* unit) {
  constexpr std::array kPrefixes = {"", "k", "M", "G", "T", "P", "E"};
  std::size_t i = 0;
  for (; std::fabs(value) >= 999.5 && i + 1 < kPrefixes.size(); ++i) value /= 1000;
  const int decimals = value >= 99.95 || i == 0 ? 0 : value >= 9.995 ? 1 : 2;
  return fmt::format("{:.{}f} {}{}", value, decimals, kPrefixes[i], unit);
}

}  // namespace incubate
