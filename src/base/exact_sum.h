#pragma once

#include <cstdint>
#include <span>

namespace incubate {

/// Sums of floats as 64-bit fixed-point integers. Integers add up the same in any order, so a sum over micro-batches
/// does not depend on which rank computed which. One unit is 2^-40 (9e-13). 2^13 addends below 1024 in magnitude cannot
/// overflow. A larger or non-finite addend is reported, never added silently.
inline constexpr double kExactUnitsPerOne = 0x1p40;
inline constexpr float kLargestExactAddend = 1024.0F;

/// How gradients are summed over micro-batches and ranks: exactly, or in plain fp32.
enum class Sums { exact, fast };
inline const char* to_string(Sums sums) { return sums == Sums::exact ? "exact" : "fast"; }

enum class Addends { all_in_range, some_out_of_range };

/// Adds round(addend[i] * 2^40) to sum[i]. After an out-of-range result `sum` is worthless. REQUIRES: equal sizes.
Addends add_exactly(std::span<const float> addends, std::span<std::int64_t> sum);
/// Sets sum[i] to round(addend[i] * 2^40): the first addends. Otherwise as add_exactly().
Addends begin_exactly(std::span<const float> addends, std::span<std::int64_t> sum);

/// mean[i] = sum[i] / (2^40 * divisor), rounded once to float. REQUIRES: equal sizes, divisor > 0.
void exact_mean(std::span<const std::int64_t> sum, double divisor, std::span<float> mean);

/// Returns `value` in units of 2^-40, for sums of losses and the like. REQUIRES: |value| < 2^22.
std::int64_t to_exact_units(double value);
inline double from_exact_units(std::int64_t units) { return static_cast<double>(units) / kExactUnitsPerOne; }

/// An exact sum of any size as integers that add up over ranks: whole numbers, the parts above them in units of 2^-40,
/// and the number of addends that are not finite or reach 2^32 in magnitude. 2^30 addends cannot overflow.
using WideSum = std::span<std::int64_t, 3>;
void add_to(WideSum sum, double addend);
/// Returns the sum, rounded once; infinity if an addend is not part of it.
double value_of(std::span<const std::int64_t, 3> sum);

}  // namespace incubate
