#include "cpu/kernels/gelu_segments.h"

#include <array>
#include <cmath>
#include <cstdlib>
#include <numbers>

#include "cpu/kernels/pairs.h"

#if defined(__x86_64__) && !defined(__clang__)

namespace incubate::cpu {
namespace {

constexpr int kSegments = 32;
constexpr float kPerUnit = 5;                        // segment i is [(i - 0.5) / kPerUnit, (i + 0.5) / kPerUnit)
constexpr float kLast = (kSegments - 1) / kPerUnit;  // values in the last segment and beyond are 0: below 1e-9

/// A function on [0, inf) that falls to 0: in each segment the cubic through its values at Chebyshev's nodes.
class Segments {
 public:
  template <typename Function>
  explicit Segments(const Function& function) {
    for (int i = 0; i + 1 < kSegments; ++i) fit(function, i);
  }

  /// Returns the coefficients of (x kPerUnit - i)^power for all segments i.
  const float* coefficients(int power) const { return coefficients_[power].data(); }

 private:
  static constexpr int kTerms = 4;

  /// Fits a segment by Newton's divided differences, multiplied out.
  template <typename Function>
  void fit(const Function& function, int segment) {
    std::array<double, kTerms> nodes{};
    std::array<double, kTerms> differences{};
    for (int i = 0; i < kTerms; ++i) {
      nodes[i] = 0.5 * std::cos(std::numbers::pi * (i + 0.5) / kTerms);
      differences[i] = function((segment + nodes[i]) / kPerUnit);
    }
    for (int order = 1; order < kTerms; ++order) {
      for (int i = kTerms - 1; i >= order; --i) {
        differences[i] = (differences[i] - differences[i - 1]) / (nodes[i] - nodes[i - order]);
      }
    }
    std::array<double, kTerms> terms{};
    for (int i = kTerms - 1; i >= 0; --i) {  // terms = terms (r - node) + difference
      for (int power = kTerms - 1; power > 0; --power) terms[power] = terms[power - 1] - (nodes[i] * terms[power]);
      terms[0] = differences[i] - (nodes[i] * terms[0]);
    }
    for (int power = 0; power < kTerms; ++power) coefficients_[power][segment] = static_cast<float>(terms[power]);
  }

  std::array<std::array<float, kSegments>, kTerms> coefficients_{};
};

double probability_above(double x) { return 0.5 * std::erfc(x / std::numbers::sqrt2); }

/// Returns 1 - GELU'(x) = GELU'(-x).
double slope_below(double x) {
  const double density = std::exp(-0.5 * x * x) / std::sqrt(2 * std::numbers::pi);
  return probability_above(x) - (x * density);
}

INCUBATE_BEGIN_PAIRS

/// Coefficients of segments in registers.
struct LoadedSegments {
  explicit LoadedSegments(const Segments& segments) {
    for (int power = 0; power < 4; ++power) {
      lower[power] = _mm512_loadu_ps(segments.coefficients(power));
      upper[power] = _mm512_loadu_ps(segments.coefficients(power) + kLanes);
    }
  }

  /// Returns the values at x. REQUIRES: x is in [0, kLast].
  INCUBATE_INLINE __m512 at(const __m512& x) const {
    const __m512 rounder = _mm512_set1_ps(0x1.8p23F);  // leaves the segment in the low bits of the mantissa
    const __m512 per_unit = _mm512_set1_ps(kPerUnit);
    const __m512 shifted = _mm512_fmadd_ps(x, per_unit, rounder);
    const __m512 r = _mm512_fmsub_ps(x, per_unit, _mm512_sub_ps(shifted, rounder));
    const __m512i segment = _mm512_castps_si512(shifted);  // only 5 bits count below
    __m512 sum = _mm512_permutex2var_ps(lower[3], segment, upper[3]);
    sum = _mm512_fmadd_ps(sum, r, _mm512_permutex2var_ps(lower[2], segment, upper[2]));
    sum = _mm512_fmadd_ps(sum, r, _mm512_permutex2var_ps(lower[1], segment, upper[1]));
    return _mm512_fmadd_ps(sum, r, _mm512_permutex2var_ps(lower[0], segment, upper[0]));
  }

  __m512 lower[4];
  __m512 upper[4];
};

INCUBATE_INLINE __m512 load_floats(const Bfloat16* from, __mmask16 lanes) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(load_words(from, lanes), 16));
}

INCUBATE_INLINE void store(const __m256bh& values, __mmask16 lanes, Bfloat16* to) {
  _mm256_mask_storeu_epi16(to, lanes, reinterpret_cast<__m256i>(values));
}

/// Returns |x|, at most kLast; NaN stays NaN.
INCUBATE_INLINE __m512 magnitude(const __m512& x) { return _mm512_min_ps(_mm512_set1_ps(kLast), _mm512_abs_ps(x)); }

void bias_gelu_of(const Segments& above, Bfloat16* values, const float* bias, Bfloat16* result, std::int64_t width) {
  const LoadedSegments segments(above);
  for (std::int64_t i = 0; i < width; i += kLanes) {
    const __mmask16 lanes = first_lanes(std::min(kLanes, width - i));
    const __m512 sum = _mm512_add_ps(load_floats(values + i, lanes), _mm512_maskz_loadu_ps(lanes, bias + i));
    const __m256bh rounded = _mm512_cvtneps_pbh(sum);
    store(rounded, lanes, values + i);
    const __m512 x = _mm512_cvtpbh_ps(rounded);
    const __m512 size = magnitude(x);
    const __m512 gelu = _mm512_fnmadd_ps(size, segments.at(size), _mm512_max_ps(x, _mm512_setzero_ps()));
    store(_mm512_cvtneps_pbh(gelu), lanes, result + i);
  }
}

void gelu_backward_of(const Segments& below, const Bfloat16* values, const Bfloat16* gradient, Bfloat16* result,
                      std::int64_t size) {
  const LoadedSegments segments(below);
  const __m512 one = _mm512_set1_ps(1);
  for (std::int64_t i = 0; i < size; i += kLanes) {
    const __mmask16 lanes = first_lanes(std::min(kLanes, size - i));
    const __m512 x = load_floats(values + i, lanes);
    const __m512 slope = segments.at(magnitude(x));
    const __mmask16 positive = _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_GT_OQ);
    const __m512 product =
        _mm512_mul_ps(load_floats(gradient + i, lanes), _mm512_mask_sub_ps(slope, positive, one, slope));
    store(_mm512_cvtneps_pbh(product), lanes, result + i);
  }
}

INCUBATE_END_PAIRS

}  // namespace

void bias_gelu_by_segments(Bfloat16* values, const float* bias, Bfloat16* result, std::int64_t width) {
  static const Segments above(probability_above);
  bias_gelu_of(above, values, bias, result, width);
}

void gelu_backward_by_segments(const Bfloat16* values, const Bfloat16* gradient, Bfloat16* result, std::int64_t size) {
  static const Segments below(slope_below);
  gelu_backward_of(below, values, gradient, result, size);
}

}  // namespace incubate::cpu

#else

namespace incubate::cpu {

void bias_gelu_by_segments(Bfloat16*, const float*, Bfloat16*, std::int64_t) { std::abort(); }

void gelu_backward_by_segments(const Bfloat16*, const Bfloat16*, Bfloat16*, std::int64_t) { std::abort(); }

}  // namespace incubate::cpu

#endif
