#include "base/exact_sum.h"

#include <bit>
#include <cmath>
#include <cstddef>
#include <limits>

#include "base/vectorised.h"

namespace incubate {

namespace {

/// Calls `put(i, units)` for each addend.
template <typename Put>
INCUBATE_INLINE Addends convert(std::span<const float> addends, const Put& put) {
  // Adding 1.5 * 2^52 to a double below 2^51 leaves its rounded integer value in the low mantissa bits. Compilers turn
  // this rounding into vector instructions, unlike llrint.
  constexpr double kRounder = 0x1.8p52;
  // Unsigned, so that the sum of an out-of-range addend wraps round; signed overflow would be undefined.
  const auto rounder_bits = std::bit_cast<std::uint64_t>(kRounder);
  const std::size_t size = addends.size();
  const float* addend = addends.data();
  std::int32_t out_of_range = 0;
  for (std::size_t i = 0; i < size; ++i) {
    out_of_range |= static_cast<std::int32_t>(!(std::fabs(addend[i]) < kLargestExactAddend));  // true for NaN
    const double shifted = (static_cast<double>(addend[i]) * kExactUnitsPerOne) + kRounder;
    put(i, std::bit_cast<std::uint64_t>(shifted) - rounder_bits);
  }
  return out_of_range == 0 ? Addends::all_in_range : Addends::some_out_of_range;
}

}  // namespace

Addends add_exactly(std::span<const float> addends, std::span<std::int64_t> sum) {
  std::int64_t* total = sum.data();
  return convert(addends, [total](std::size_t i, std::uint64_t units) {
    total[i] = static_cast<std::int64_t>(static_cast<std::uint64_t>(total[i]) + units);
  });
}

Addends begin_exactly(std::span<const float> addends, std::span<std::int64_t> sum) {
  std::int64_t* total = sum.data();
  return convert(addends, [total](std::size_t i, std::uint64_t units) { total[i] = static_cast<std::int64_t>(units); });
}

void exact_mean(std::span<const std::int64_t> sum, double divisor, std::span<float> mean) {
  const double scale = 1.0 / (kExactUnitsPerOne * divisor);
  for (std::size_t i = 0; i < sum.size(); ++i) mean[i] = static_cast<float>(static_cast<double>(sum[i]) * scale);
}

std::int64_t to_exact_units(double value) { return std::llrint(value * kExactUnitsPerOne); }

void add_to(WideSum sum, double addend) {
  std::int64_t& whole = sum[0];
  std::int64_t& above = sum[1];
  if (!(std::fabs(addend) < 0x1p32)) {
    ++sum[2];
    return;
  }
  constexpr auto kOne = static_cast<std::int64_t>(kExactUnitsPerOne);
  const double below = std::floor(addend);
  above += to_exact_units(addend - below);
  whole += static_cast<std::int64_t>(below) + (above / kOne);
  above %= kOne;
}

double value_of(std::span<const std::int64_t, 3> sum) {
  if (sum[2] > 0) return std::numeric_limits<double>::infinity();
  return static_cast<double>(sum[0]) + from_exact_units(sum[1]);
}

}  // namespace incubate
