#include "vision/resample.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <type_traits>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "base/vector_unit.h"

namespace incubate {
namespace {

constexpr int kPrecisionBits = 32 - 8 - 2;  // 8 bits for a pixel, 2 for overshoot and sign
constexpr std::int32_t kHalf = 1 << (kPrecisionBits - 1);
constexpr std::int64_t kGroup = 4;  // taps combined at once

/// A sum of weighted values has 32 bits for bytes, as the vector instructions have.
template <typename Value>
using Sum = std::conditional_t<sizeof(Value) == 1, std::int32_t, std::int64_t>;

template <typename Value>
Value round_to_value(Sum<Value> sum) {
  return static_cast<Value>(std::clamp<Sum<Value>>(sum >> kPrecisionBits, 0, std::numeric_limits<Value>::max()));
}

/// out[i] = sum over k of weights[k] rows[k][i], for i = begin .. end-1. Pointers are to values of type Value.
template <typename Value>
void combine_rows_anywhere(const std::vector<const std::uint8_t*>& rows, const std::int32_t* weights,
                           std::int64_t begin, std::int64_t end, std::uint8_t* out_bytes) {
  constexpr std::int64_t kBlock = 512;
  auto* out = reinterpret_cast<Value*>(out_bytes);
  Sum<Value> sums[kBlock];
  for (std::int64_t first = begin; first < end; first += kBlock) {
    const std::int64_t size = std::min(kBlock, end - first);
    std::fill_n(sums, size, kHalf);
    for (std::size_t k = 0; k < rows.size(); ++k) {
      const Value* in = reinterpret_cast<const Value*>(rows[k]) + first;
      for (std::int64_t i = 0; i < size; ++i) sums[i] += Sum<Value>{weights[k]} * in[i];
    }
    std::transform(sums, sums + size, out + first, round_to_value<Value>);
  }
}

/// out[x] = sum over k of weights[k] in[first + k], for every output x and each channel.
template <typename Value>
void combine_columns_anywhere(const std::uint8_t* in_bytes, std::int64_t width, std::int64_t channels, const Taps& taps,
                              std::uint8_t* out_bytes) {
  const auto* in = reinterpret_cast<const Value*>(in_bytes);
  auto* out = reinterpret_cast<Value*>(out_bytes);
  for (std::int64_t x = 0; x < taps.num_outputs(); ++x) {
    const std::int64_t num = std::min(taps.num_inputs(), width - taps.first(x));
    for (std::int64_t c = 0; c < channels; ++c) {
      Sum<Value> sum = kHalf;
      for (std::int64_t k = 0; k < num; ++k) {
        sum += Sum<Value>{taps.weights(x)[k]} * in[((taps.first(x) + k) * channels) + c];
      }
      *out++ = round_to_value<Value>(sum);
    }
  }
}

#ifdef __x86_64__
// pmaddwd multiplies pairs of 16-bit numbers and adds the two products in 32 bits, exactly. A 24-bit weight is split
// into its lower 12 bits, not negative, and the upper ones; both sums are joined at the end. Arithmetic is modulo 2^32
// and the whole sum fits in 32 bits, so the result equals that of the loops above.
constexpr int kLowBits = 12;

/// The split weights of 4 taps: upper parts, then lower parts.
struct SplitWeights {
  std::int16_t parts[2 * kGroup];
};

std::vector<SplitWeights> split(const Taps& taps) {
  const std::int64_t num_groups = taps.num_outputs() * taps.num_inputs() / kGroup;
  std::vector<SplitWeights> groups(num_groups);
  const std::int32_t* weights = taps.weights(0);
  for (std::int64_t i = 0; i < num_groups * kGroup; ++i) {
    std::int16_t* parts = groups[i / kGroup].parts;
    parts[i % kGroup] = static_cast<std::int16_t>(weights[i] >> kLowBits);
    parts[kGroup + (i % kGroup)] = static_cast<std::int16_t>(weights[i] & ((1 << kLowBits) - 1));
  }
  return groups;
}

#define TARGET_AVX2 __attribute__((target("avx2"), always_inline)) inline

TARGET_AVX2 __m128i load16(const std::uint8_t* in) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(in)); }

/// Joins the sums of 8 values and shifts them to pixel scale.
TARGET_AVX2 __m256i put_together(__m256i upper, __m256i lower) {
  return _mm256_srai_epi32(_mm256_add_epi32(_mm256_slli_epi32(upper, kLowBits), lower), kPrecisionBits);
}

/// Repeats one pair of weights in all pairs of 16-bit numbers.
TARGET_AVX2 __m256i repeat_pair(const std::int16_t* weights) {
  std::int32_t pair = 0;
  std::memcpy(&pair, weights, sizeof pair);
  return _mm256_set1_epi32(pair);
}

/// Computes as combine_rows_anywhere() does, 16 values at a time. Returns the number of values computed.
__attribute__((target("avx2"))) std::int64_t combine_rows_avx2(const std::vector<const std::uint8_t*>& rows,
                                                               const SplitWeights* weights, std::int64_t size,
                                                               std::uint8_t* out) {
  std::int64_t i = 0;
  for (; i + 16 <= size; i += 16) {
    __m256i upper0 = _mm256_setzero_si256(), upper1 = upper0;
    __m256i lower0 = _mm256_set1_epi32(kHalf), lower1 = lower0;
    for (std::size_t k = 0; k < rows.size(); k += 2) {
      const std::int16_t* parts = &weights[k / kGroup].parts[k % kGroup];
      const __m256i upper_weights = repeat_pair(parts), lower_weights = repeat_pair(parts + kGroup);
      const __m128i a = load16(rows[k] + i), b = load16(rows[k + 1] + i);
      const __m256i pairs0 = _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(a, b));
      const __m256i pairs1 = _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(a, b));
      upper0 = _mm256_add_epi32(upper0, _mm256_madd_epi16(pairs0, upper_weights));
      upper1 = _mm256_add_epi32(upper1, _mm256_madd_epi16(pairs1, upper_weights));
      lower0 = _mm256_add_epi32(lower0, _mm256_madd_epi16(pairs0, lower_weights));
      lower1 = _mm256_add_epi32(lower1, _mm256_madd_epi16(pairs1, lower_weights));
    }
    const __m256i words = _mm256_packs_epi32(put_together(upper0, lower0), put_together(upper1, lower1));
    const __m256i ordered = _mm256_permute4x64_epi64(words, 0b11011000);  // undoes the interleaved lanes
    const __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(ordered), _mm256_extracti128_si256(ordered, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), bytes);
  }
  return i;
}

/// Rows combined at once: two in the two lanes of one register, two in another.
constexpr int kRows = 4;

/// Loads 16 bytes of each of two rows.
TARGET_AVX2 __m256i load_rows(const std::uint8_t* first, const std::uint8_t* second) {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(load16(first)), load16(second), 1);
}

/// Writes a pixel of 3 channels. The next pixel overwrites the fourth byte, so the last pixel writes only 3.
TARGET_AVX2 void store_pixel(__m128i bytes, std::uint8_t* out, bool is_last) {
  const std::int32_t pixel = _mm_cvtsi128_si32(bytes);
  if (is_last) {
    std::memcpy(out, &pixel, 3);
  } else {
    std::memcpy(out, &pixel, 4);
  }
}

/// Writes a pixel of two rows from their sums.
TARGET_AVX2 void store_rows(__m256i upper, __m256i lower, std::uint8_t* first, std::uint8_t* second, bool is_last) {
  const __m256i words = _mm256_packs_epi32(put_together(upper, lower), _mm256_setzero_si256());
  const __m256i bytes = _mm256_packus_epi16(words, words);
  store_pixel(_mm256_castsi256_si128(bytes), first, is_last);
  store_pixel(_mm256_extracti128_si256(bytes, 1), second, is_last);
}

/// Computes as combine_columns_anywhere() does, for 3 channels of several rows. Also reads inputs with weight 0 and up
/// to 4 bytes more.
__attribute__((target("avx2"))) void combine_columns_avx2(const std::array<const std::uint8_t*, kRows>& in,
                                                          const Taps& taps, const std::vector<SplitWeights>& weights,
                                                          const std::array<std::uint8_t*, kRows>& out) {
  // Rearrange 4 pixels RGB RGB RGB RGB into 16-bit pairs RR GG BB, for the first two and the last two pixels.
  const __m256i to_first_pairs =
      _mm256_broadcastsi128_si256(_mm_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1));
  const __m256i to_last_pairs =
      _mm256_broadcastsi128_si256(_mm_setr_epi8(6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1));
  const std::int64_t num_groups = taps.num_inputs() / kGroup;
  const SplitWeights* group = weights.data();
  for (std::int64_t x = 0; x < taps.num_outputs(); ++x) {
    __m256i upper0 = _mm256_setzero_si256(), upper1 = upper0;
    __m256i lower0 = _mm256_set1_epi32(kHalf), lower1 = lower0;
    std::int64_t offset = 3 * taps.first(x);
    for (std::int64_t g = 0; g < num_groups; ++g, ++group, offset += 3 * kGroup) {
      const __m256i pixels0 = load_rows(in[0] + offset, in[1] + offset);
      const __m256i pixels1 = load_rows(in[2] + offset, in[3] + offset);
      for (const bool is_first : {true, false}) {
        const __m256i to_pairs = is_first ? to_first_pairs : to_last_pairs;
        const std::int16_t* parts = group->parts + (is_first ? 0 : 2);
        const __m256i upper_weights = repeat_pair(parts), lower_weights = repeat_pair(parts + kGroup);
        const __m256i pairs0 = _mm256_shuffle_epi8(pixels0, to_pairs);
        const __m256i pairs1 = _mm256_shuffle_epi8(pixels1, to_pairs);
        upper0 = _mm256_add_epi32(upper0, _mm256_madd_epi16(pairs0, upper_weights));
        lower0 = _mm256_add_epi32(lower0, _mm256_madd_epi16(pairs0, lower_weights));
        upper1 = _mm256_add_epi32(upper1, _mm256_madd_epi16(pairs1, upper_weights));
        lower1 = _mm256_add_epi32(lower1, _mm256_madd_epi16(pairs1, lower_weights));
      }
    }
    const bool is_last = x + 1 == taps.num_outputs();
    store_rows(upper0, lower0, out[0] + (3 * x), out[1] + (3 * x), is_last);
    store_rows(upper1, lower1, out[2] + (3 * x), out[3] + (3 * x), is_last);
  }
}
#endif

}  // namespace

Taps::Taps(std::int64_t num_outputs, std::int64_t most)
    : stride_((most + kGroup - 1) / kGroup * kGroup),
      first_(num_outputs),
      end_(num_outputs),
      weights_(num_outputs * stride_) {}

void Taps::set(std::int64_t output, std::int64_t first, const std::vector<double>& weights) {
  first_[output] = first;
  end_[output] = first + static_cast<std::int64_t>(weights.size());
  std::int32_t* out = &weights_[output * stride_];
  for (const double weight : weights) {
    const double share = weight * (1 << kPrecisionBits);
    *out++ = static_cast<std::int32_t>(share + (share < 0 ? -0.5 : 0.5));
  }
}

std::pair<std::int64_t, std::int64_t> Taps::inputs() const {
  return {std::ranges::min(first_), std::ranges::max(end_)};
}

void Taps::shift(std::int64_t offset) {
  for (std::int64_t& first : first_) first -= offset;
  for (std::int64_t& end : end_) end -= offset;
}

void Taps::reverse() {
  std::ranges::reverse(first_);
  std::ranges::reverse(end_);
  for (std::int64_t i = 0, j = num_outputs() - 1; i < j; ++i, --j) {
    std::swap_ranges(&weights_[i * stride_], &weights_[i * stride_] + stride_, &weights_[j * stride_]);
  }
}

Instructions best_instructions() {
  return vector_unit() == VectorUnit::any ? Instructions::any_processor : Instructions::avx2;
}

Image combine_rows(const Image& image, const Taps& taps, std::int64_t left, std::int64_t width,
                   [[maybe_unused]] Instructions instructions) {
  Image out(taps.num_outputs(), width, image.channels, image.value_bytes);
  const std::int64_t row_values = width * image.channels;
  std::vector<const std::uint8_t*> rows(taps.num_inputs());
#ifdef __x86_64__
  const std::vector<SplitWeights> split_weights = split(taps);
#endif
  for (std::int64_t y = 0; y < out.height; ++y) {
    // Weights behind the last row are 0.
    for (std::int64_t k = 0; k < taps.num_inputs(); ++k) {
      rows[k] = image.at(std::min(taps.first(y) + k, image.height - 1), left);
    }
    if (image.value_bytes == 2) {
      combine_rows_anywhere<std::uint16_t>(rows, taps.weights(y), 0, row_values, out.at(y, 0));
      continue;
    }
    std::int64_t num_done = 0;
#ifdef __x86_64__
    if (instructions == Instructions::avx2) {
      num_done = combine_rows_avx2(rows, &split_weights[y * taps.num_inputs() / kGroup], row_values, out.at(y, 0));
    }
#endif
    combine_rows_anywhere<std::uint8_t>(rows, taps.weights(y), num_done, row_values, out.at(y, 0));
  }
  return out;
}

Image combine_columns(const Image& image, const Taps& taps, std::int64_t top, std::int64_t height,
                      [[maybe_unused]] Instructions instructions) {
  Image out(height, taps.num_outputs(), image.channels, image.value_bytes);
#ifdef __x86_64__
  if (instructions == Instructions::avx2 && image.channels == 3 && image.value_bytes == 1) {
    const std::vector<SplitWeights> weights = split(taps);
    const std::int64_t row_bytes = 3 * image.width, overrun = (3 * taps.num_inputs()) + 4;
    std::array<std::vector<std::uint8_t>, kRows> copies;
    for (std::int64_t y = 0; y < height; y += kRows) {
      std::array<const std::uint8_t*, kRows> in{};
      std::array<std::uint8_t*, kRows> to{};
      for (int i = 0; i < kRows; ++i) {
        const std::int64_t row = std::min(y + i, height - 1);  // the last row perhaps several times
        to[i] = out.at(row, 0);
        in[i] = image.at(top + row, 0);
        if ((image.height - top - row - 1) * row_bytes >= overrun) continue;
        copies[i].resize(row_bytes + overrun);
        std::memcpy(copies[i].data(), in[i], row_bytes);
        in[i] = copies[i].data();
      }
      combine_columns_avx2(in, taps, weights, to);
    }
    return out;
  }
#endif
  const auto combine =
      image.value_bytes == 1 ? combine_columns_anywhere<std::uint8_t> : combine_columns_anywhere<std::uint16_t>;
  for (std::int64_t y = 0; y < height; ++y) {
    combine(image.at(top + y, 0), image.width, image.channels, taps, out.at(y, 0));
  }
  return out;
}

}  // namespace incubate
