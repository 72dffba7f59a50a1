#include "cpu/kernels/packing.h"

#include <cstdlib>

#include "cpu/kernels/pairs.h"

#if defined(__x86_64__) && !defined(__clang__)

namespace incubate::cpu {

INCUBATE_BEGIN_PAIRS

void transpose(const Bfloat16* from, std::int64_t from_stride, std::int64_t rows, std::int64_t columns, Bfloat16* to,
               std::int64_t to_stride) {
  for (std::int64_t row = 0; row < rows; row += 2 * kLanes) {
    const std::int64_t num_rows = std::min(2 * kLanes, rows - row);
    for (std::int64_t column = 0; column < columns; column += kLanes) {
      const std::int64_t num_columns = std::min(kLanes, columns - column);
      const __mmask16 in_row = first_lanes(num_columns);
      __m512i block[kLanes];
      for (std::int64_t i = 0; i < kLanes; ++i) {
        const Bfloat16* first = from + ((row + (2 * i)) * from_stride) + column;
        block[i] = 2 * i < num_rows ? load_words(first, in_row) : _mm512_setzero_si512();
        if ((2 * i) + 1 < num_rows) {
          block[i] = _mm512_or_si512(block[i], _mm512_slli_epi32(load_words(first + from_stride, in_row), 16));
        }
      }
      transpose_16(block);
      const __mmask16 stored = first_lanes((num_rows + 1) / 2);
      for (std::int64_t i = 0; i < num_columns; ++i) {
        _mm512_mask_storeu_epi32(to + ((column + i) * to_stride) + row, stored, block[i]);
      }
    }
  }
}

void pair_rows(const Bfloat16* from, std::int64_t rows, std::int64_t columns, Pair* pairs) {
  for (std::int64_t row = 0; row < rows; row += 2, pairs += columns) {
    const Bfloat16* first = from + (row * columns);
    for (std::int64_t i = 0; i < columns; i += kLanes) {
      __m512i words = load_words(first + i, first_lanes(kLanes));
      if (row + 1 < rows) {
        words = _mm512_or_si512(words, _mm512_slli_epi32(load_words(first + columns + i, first_lanes(kLanes)), 16));
      }
      _mm512_storeu_si512(pairs + i, words);
    }
  }
}

INCUBATE_END_PAIRS

}  // namespace incubate::cpu

#else

namespace incubate::cpu {

void transpose(const Bfloat16*, std::int64_t, std::int64_t, std::int64_t, Bfloat16*, std::int64_t) { std::abort(); }

void pair_rows(const Bfloat16*, std::int64_t, std::int64_t, Pair*) { std::abort(); }

}  // namespace incubate::cpu

#endif
