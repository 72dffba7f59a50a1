#include "base/exact_sum.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"

namespace incubate {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// Sums single values one after another.
std::int64_t sum_of(const std::vector<float>& values) {
  std::int64_t sum = 0;
  for (const float value : values) {
    EXPECT_EQ(add_exactly(std::span(&value, 1), std::span(&sum, 1)), Addends::all_in_range);
  }
  return sum;
}

TEST(ExactSum, TheFirstAddendsReplaceWhatWasThere) {
  const std::vector<float> values = {0.5F, -3, 0x1p-40F, 1023};
  std::vector<std::int64_t> begun(4, 12345), added(4, 0);
  EXPECT_EQ(begin_exactly(values, begun), Addends::all_in_range);
  EXPECT_EQ(add_exactly(values, added), Addends::all_in_range);
  EXPECT_EQ(begun, added);
  for (const float bad : {kNan, kInfinity, 1024.0F}) {
    EXPECT_EQ(begin_exactly(std::vector<float>{1, bad, 1, 1}, begun), Addends::some_out_of_range);
  }
}

TEST(ExactSum, DoesNotDependOnTheOrder) {
  Generator generator(1, 1);
  std::vector<float> values(4000);
  // The values reach from 2^-44, below the unit, to 2^9: a plain float sum of these depends on the order.
  for (float& value : values) {
    value = std::ldexp(static_cast<float>(generator.normal()), static_cast<int>(generator.below(54)) - 44);
  }
  for (float& value : values) value = std::clamp(value, -1023.0F, 1023.0F);
  const std::int64_t sum = sum_of(values);
  for (std::uint32_t repeat = 0; repeat < 20; ++repeat) {
    std::vector<float> shuffled;
    for (const std::uint32_t i : make_permutation(4000, Generator(2, repeat))) shuffled.push_back(values[i]);
    EXPECT_EQ(sum_of(shuffled), sum);
  }
}

TEST(ExactSum, ErrsByHalfAUnitAtMost) {
  Generator generator(3, 3);
  for (int i = 0; i < 10000; ++i) {
    const float value = std::ldexp((2 * generator.uniform()) - 1, static_cast<int>(generator.below(60)) - 50);
    // Exact in double: the difference of a float below 1024 and a multiple of 2^-40 needs at most 50 bits here.
    EXPECT_LE(std::fabs(from_exact_units(sum_of({value})) - static_cast<double>(value)), 0x1p-41) << value;
  }
}

TEST(ExactSum, MultiplesOfTheUnitAreExact) {
  EXPECT_EQ(sum_of({0x1p-40F}), 1);
  EXPECT_EQ(sum_of({-0x1p-40F}), -1);
  EXPECT_EQ(sum_of({1.0F, -0x1p-40F}), (std::int64_t{1} << 40) - 1);
  EXPECT_EQ(sum_of({-1023.5F}), -2047 * (std::int64_t{1} << 39));
  EXPECT_EQ(sum_of({std::nextafter(1024.0F, 0.0F)}), (std::int64_t{1} << 50) - (std::int64_t{1} << 26));
  EXPECT_EQ(sum_of({0.0F, -0.0F, 0x1p-100F}), 0);
}

TEST(ExactSum, AddsToEveryElementWithoutMixingThem) {
  const std::vector<float> addends = {1, -2, 3, -4, 5};
  std::vector<std::int64_t> sum = {10, 20, 30, 40, 50};
  EXPECT_EQ(add_exactly(addends, sum), Addends::all_in_range);
  const std::int64_t one = std::int64_t{1} << 40;
  EXPECT_EQ(sum, (std::vector<std::int64_t>{10 + one, 20 - (2 * one), 30 + (3 * one), 40 - (4 * one), 50 + (5 * one)}));
}

TEST(ExactSum, ReportsWhatIsOutOfRangeWhereverItStands) {
  for (const float bad : {kNan, -kNan, kInfinity, -kInfinity, 1024.0F, -1024.0F, 3e38F}) {
    for (const std::size_t place : {0U, 7U, 16U, 18U}) {
      std::vector<float> addends(19, 0.5F);
      std::vector<std::int64_t> sum(19, 0);
      EXPECT_EQ(add_exactly(addends, sum), Addends::all_in_range);
      addends[place] = bad;
      EXPECT_EQ(add_exactly(addends, sum), Addends::some_out_of_range) << bad << " at " << place;
    }
  }
}

// The sanitizers check that this is defined.
TEST(ExactSum, WhatIsOutOfRangeMayBeAddedAgainAndAgain) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::vector<float> addends = {kInfinity, -kInfinity, std::nanf(""), 3e38F, -3e38F, 1024};
  std::vector<std::int64_t> sum(addends.size());
  for (int i = 0; i < 10000; ++i) EXPECT_EQ(add_exactly(addends, sum), Addends::some_out_of_range);
}

TEST(ExactSum, EightThousandLargestAddendsDoNotOverflow) {
  const float largest = std::nextafter(kLargestExactAddend, 0.0F);
  const std::int64_t sum = sum_of(std::vector<float>(8192, largest));
  EXPECT_EQ(from_exact_units(sum), 8192 * static_cast<double>(largest));
}

TEST(ExactSum, MeanOfZeroToNIsHalfN) {
  for (const int n : {1, 2, 3, 7, 100, 1023}) {
    std::vector<float> values;
    for (int i = 0; i <= n; ++i) values.push_back(static_cast<float>(i));
    const std::vector<std::int64_t> sum = {sum_of(values), -sum_of(values)};
    std::vector<float> mean(2);
    exact_mean(sum, static_cast<double>(n + 1), mean);
    EXPECT_EQ(mean, (std::vector<float>{0.5F * static_cast<float>(n), -0.5F * static_cast<float>(n)}));
  }
}

TEST(ExactSum, UnitsOfOneValue) {
  EXPECT_EQ(to_exact_units(0), 0);
  EXPECT_EQ(to_exact_units(1), std::int64_t{1} << 40);
  EXPECT_EQ(to_exact_units(-2.5), -5 * (std::int64_t{1} << 39));
  EXPECT_EQ(to_exact_units(0x1.8p-40), 2);  // 1.5 units to the even integer
  EXPECT_EQ(to_exact_units(5000), 5000 * (std::int64_t{1} << 40));
  EXPECT_EQ(from_exact_units(to_exact_units(2.302585)), std::round(2.302585 * 0x1p40) / 0x1p40);
}

/// The sum of `addends` as two ranks make it, each of half of them.
double wide_sum_of(const std::vector<double>& addends) {
  std::array<std::int64_t, 3> sums[2] = {};
  for (std::size_t i = 0; i < addends.size(); ++i) add_to(sums[i % 2], addends[i]);
  for (std::size_t k = 0; k < 3; ++k) sums[0][k] += sums[1][k];
  return value_of(sums[0]);
}

TEST(ExactSum, WideSumsAreThoseOfOneIntegerWhereThatHoldsThem) {
  std::vector<double> addends;
  std::int64_t units = 0;
  for (int i = 1; i < 2000; ++i) {
    addends.push_back((i % 3 == 0 ? -0.37 : 1.7) * 1234.5 / i);
    units += to_exact_units(addends.back());
    EXPECT_EQ(wide_sum_of(addends), from_exact_units(units)) << i;
  }
}

TEST(ExactSum, WideSumsDoNotWrap) {
  const double largest = std::nextafter(0x1p32, 0);
  EXPECT_EQ(wide_sum_of(std::vector<double>(100000, largest)), 100000 * largest);
  EXPECT_EQ(wide_sum_of(std::vector<double>(100000, -largest)), -100000 * largest);
  for (const double value : {static_cast<double>(kNan), HUGE_VAL, -HUGE_VAL, 0x1p32, -1e300}) {
    EXPECT_EQ(wide_sum_of({1, value, 2}), HUGE_VAL) << value;
  }
}

}  // namespace
}  // namespace incubate
