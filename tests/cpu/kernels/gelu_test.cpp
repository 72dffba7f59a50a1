#include "cpu/kernels/gelu.h"

#include <bit>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include <gtest/gtest.h>

#include "cpu/kernels/elementary.h"
#include "cpu/kernels/gelu_segments.h"
#include "cpu/kernels/gelu_table.h"
#include "cpu/kernels/pair_product.h"

namespace incubate::cpu {
namespace {

double below(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }
double gelu(double x) { return x * below(x); }
double slope(double x) { return below(x) + (x * std::exp(-0.5 * x * x) / std::sqrt(2 * std::numbers::pi)); }

/// Returns every finite value of bfloat16.
std::vector<Bfloat16> finite_values() {
  std::vector<Bfloat16> values;
  for (std::uint32_t bits = 0; bits < 1U << 16U; ++bits) {
    const Bfloat16 value = {static_cast<std::uint16_t>(bits)};
    if (std::isfinite(to_float(value))) values.push_back(value);
  }
  return values;
}

/// Returns half of the distance between neighbours, with a margin for other rounding and for results of 0.
double tolerance(double exact) { return (0x1.02p-8 * std::fabs(exact)) + 1e-8; }

void expect_gelu(const std::vector<Bfloat16>& values, const std::vector<Bfloat16>& result) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double exact = gelu(to_float(values[i]));
    EXPECT_NEAR(to_float(result[i]), exact, tolerance(exact)) << to_float(values[i]);
  }
}

void expect_slopes(const std::vector<Bfloat16>& values, const std::vector<Bfloat16>& result) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double exact = slope(to_float(values[i]));
    // Near -0.75 the slope is the difference of two equal numbers.
    EXPECT_NEAR(to_float(result[i]), exact, tolerance(exact) + 3e-7) << to_float(values[i]);
  }
}

TEST(Gelu, ByTableOfEveryValue) {
  const std::vector<Bfloat16> values = finite_values();
  std::vector<Bfloat16> result(values.size());
  gelu_by_table(values.data(), result.data(), std::ssize(values));
  expect_gelu(values, result);
  const std::vector<Bfloat16> ones(values.size(), from_float<Bfloat16>(1));
  gelu_backward_by_table(values.data(), ones.data(), result.data(), std::ssize(values));
  expect_slopes(values, result);
}

TEST(Gelu, BySegmentsOfEveryValue) {
  if (!has_vector_product()) GTEST_SKIP() << "this processor has no AVX512-BF16";
  std::vector<Bfloat16> values = finite_values();
  std::vector<Bfloat16> result(values.size());
  const std::vector<Bfloat16> ones(values.size(), from_float<Bfloat16>(1));
  gelu_backward_by_segments(values.data(), ones.data(), result.data(), std::ssize(values));
  expect_slopes(values, result);
  const std::vector<float> bias(values.size());
  bias_gelu_by_segments(values.data(), bias.data(), result.data(), std::ssize(values));
  expect_gelu(values, result);
}

// Each processor tests the version that it uses.
TEST(Gelu, OfWhatIsNoFiniteNumber) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::vector<Bfloat16> values;
  for (const float x : {kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN()}) {
    values.push_back(from_float<Bfloat16>(x));
  }
  const std::vector<Bfloat16> ones(3, from_float<Bfloat16>(1));
  const std::vector<float> bias(3);
  std::vector<Bfloat16> result(3);
  gelu_backward(values.data(), ones.data(), result.data(), nullptr, 1, 3);
  EXPECT_EQ(to_float(result[0]), 1);
  EXPECT_EQ(to_float(result[1]), 0);
  EXPECT_TRUE(std::isnan(to_float(result[2])));
  bias_gelu(values.data(), bias.data(), result.data(), 1, 3);
  EXPECT_EQ(to_float(result[0]), kInfinity);
  EXPECT_EQ(to_float(result[1]), 0);
  EXPECT_TRUE(std::isnan(to_float(result[2])));
}

TEST(Gelu, SlopeFarOut) {
  for (const float x : {30.0F, 1e30F, std::numeric_limits<float>::max()}) {
    EXPECT_EQ(gelu_slope(x), 1);
    EXPECT_NEAR(gelu_slope(-x), 0, 1e-30);
  }
}

// Rows have every length, so that vectors read or write nothing beyond a row's end.
TEST(Gelu, RowsOfAnyLength) {
  for (const std::int64_t width : {1, 15, 16, 17, 33}) {
    constexpr std::int64_t kRows = 3;
    std::vector<Bfloat16> values;
    std::vector<float> bias;
    for (std::int64_t i = 0; i < kRows * width; ++i) values.push_back(from_float<Bfloat16>(std::sin(1.7F * i)));
    for (std::int64_t i = 0; i < width; ++i) bias.push_back(std::cos(2.3F * i));
    std::vector<Bfloat16> sums = values;
    std::vector<Bfloat16> result((kRows * width) + 1, from_float<Bfloat16>(9));
    bias_gelu(sums.data(), bias.data(), result.data(), kRows, width);
    for (std::int64_t i = 0; i < kRows * width; ++i) {
      const float sum = to_float(from_float<Bfloat16>(to_float(values[i]) + bias[i % width]));
      EXPECT_EQ(to_float(sums[i]), sum);
      EXPECT_NEAR(to_float(result[i]), gelu(sum), tolerance(gelu(sum)));
    }
    EXPECT_EQ(to_float(result.back()), 9);
  }
}

}  // namespace
}  // namespace incubate::cpu
