#pragma once

#include <bit>
#include <cstdint>

#include "base/vectorised.h"

namespace incubate::cpu {

/// The upper half of a float (8 bits of exponent, 7 of mantissa), with the layout of at::BFloat16.
struct Bfloat16 {
  std::uint16_t bits = 0;
};

INCUBATE_INLINE float to_float(float x) { return x; }
INCUBATE_INLINE float to_float(Bfloat16 x) { return std::bit_cast<float>(std::uint32_t{x.bits} << 16U); }

/// Rounds to the nearest value; ties to even.
template <typename T>
T from_float(float x);
template <>
INCUBATE_INLINE float from_float<float>(float x) {
  return x;
}
template <>
INCUBATE_INLINE Bfloat16 from_float<Bfloat16>(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t rounded = (bits + 0x7FFFU + ((bits >> 16U) & 1U)) >> 16U;
  return {static_cast<std::uint16_t>(x == x ? rounded : 0x7FC0U)};  // a NaN stays one
}

}  // namespace incubate::cpu
