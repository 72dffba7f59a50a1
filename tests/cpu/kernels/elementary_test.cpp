#include "cpu/kernels/elementary.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "cpu/kernels/bfloat16.h"

namespace incubate::cpu {
namespace {

TEST(Elementary, ExpIsThatOfTheLibrary) {
  for (float x = -86.9F; x < 88; x += 0.0137F) {
    const double exact = std::exp(static_cast<double>(x));
    EXPECT_NEAR(vector_exp(x), exact, 2.4e-7 * exact) << x;
  }
  EXPECT_EQ(vector_exp(0), 1);
  EXPECT_EQ(vector_exp(-1e9F), vector_exp(-87));
  EXPECT_TRUE(std::isnan(vector_exp(std::numeric_limits<float>::quiet_NaN())));
}

TEST(Elementary, NormalIsThatOfTheLibraryInBothTails) {
  for (float x = -9; x < 9; x += 0.0173F) {
    const double below = 0.5 * std::erfc(-static_cast<double>(x) / std::sqrt(2.0));
    const double density = std::exp(-0.5 * static_cast<double>(x) * x) / std::sqrt(2 * M_PI);
    const Normal normal = normal_at(x);
    // The exponent's rounding counts in the tails: 2^-24 of up to 41 there.
    EXPECT_NEAR(normal.below, below, (4e-7 + (2e-7 * x * x)) * below) << x;
    EXPECT_NEAR(normal.density, density, (4e-7 + (2e-7 * x * x)) * density) << x;
  }
  EXPECT_TRUE(std::isnan(normal_at(std::numeric_limits<float>::quiet_NaN()).below));
}

TEST(Bfloat16, RoundsToTheNearestAndToEven) {
  const auto rounded = [](float x) { return to_float(from_float<Bfloat16>(x)); };
  EXPECT_EQ(rounded(1), 1);
  EXPECT_EQ(rounded(1 + 0x1p-8F), 1);               // halfway: down to even
  EXPECT_EQ(rounded(1 + 0x3p-8F), 1 + 0x1p-6F);     // halfway: up to even
  EXPECT_EQ(rounded(1 + 0x1.01p-8F), 1 + 0x1p-7F);  // above halfway
  EXPECT_EQ(rounded(-3.0e38F), -0x1.C4p127F);
  EXPECT_EQ(rounded(std::numeric_limits<float>::max()), std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(rounded(std::bit_cast<float>(0x7FFFFFFFU))));
}

}  // namespace
}  // namespace incubate::cpu
