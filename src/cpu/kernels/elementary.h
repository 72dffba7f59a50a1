#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "base/vectorised.h"

// Elementary functions that compilers vectorise, unlike those of the C library.

namespace incubate::cpu {

/// Returns e^x to 2 units in the last place. Clamps x to [-87, 88]; NaN gives NaN.
INCUBATE_INLINE float vector_exp(float x) {
  constexpr float kLog2E = 1.44269504F;
  constexpr float kLn2High = 0.693145752F;  // its product with an integer below 2^8 is exact
  constexpr float kLn2Low = 1.42860677e-6F;
  constexpr float kRounder = 0x1.8p23F;  // leaves the integer in the low bits of the mantissa
  x = x < -87.0F ? -87.0F : x;
  x = x > 88.0F ? 88.0F : x;
  const float shifted = (x * kLog2E) + kRounder;
  const float power = shifted - kRounder;
  const float r = (x - (power * kLn2High)) - (power * kLn2Low);
  // Taylor's series: |r| <= ln 2 / 2.
  float series = 1.0F / 720;
  series = (series * r) + 1.0F / 120;
  series = (series * r) + 1.0F / 24;
  series = (series * r) + 1.0F / 6;
  series = (series * r) + 0.5F;
  series = (series * r) + 1.0F;
  series = (series * r) + 1.0F;
  const std::uint32_t exponent = std::bit_cast<std::uint32_t>(shifted) - std::bit_cast<std::uint32_t>(kRounder);
  return series * std::bit_cast<float>((exponent + 127U) << 23U);
}

/// The normal distribution at x: probability below x, and density.
struct Normal {
  float below;
  float density;
};

/// Press et al., "Numerical Recipes", 2nd edition, section 6.2: erfc to a relative error of 1.2e-7 everywhere.
INCUBATE_INLINE Normal normal_at(float x) {
  constexpr float kSqrtHalf = 0.707106781F;
  constexpr float kDensityAt0 = 0.398942280F;
  const float z = std::fabs(x) * kSqrtHalf;
  const float t = 1.0F / (1.0F + (0.5F * z));
  float series = 0.17087277F;
  series = (series * t) - 0.82215223F;
  series = (series * t) + 1.48851587F;
  series = (series * t) - 1.13520398F;
  series = (series * t) + 0.27886807F;
  series = (series * t) - 0.18628806F;
  series = (series * t) + 0.09678418F;
  series = (series * t) + 0.37409196F;
  series = (series * t) + 1.00002368F;
  series = (series * t) - 1.26551223F;
  const float gauss = vector_exp(-z * z);
  const float tail = 0.5F * t * gauss * vector_exp(series);
  return {.below = x < 0 ? tail : 1.0F - tail, .density = kDensityAt0 * gauss};
}

/// Returns GELU'(x). Far from 0 it is exactly 0 or 1, although vector_exp is never 0.
INCUBATE_INLINE float gelu_slope(float x) {
  constexpr float kFar = 20;
  const Normal normal = normal_at(x);
  float near = x < -kFar ? -kFar : x;
  near = near > kFar ? kFar : near;
  return normal.below + (near * normal.density);
}

}  // namespace incubate::cpu
