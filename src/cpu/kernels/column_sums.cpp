#include "cpu/kernels/column_sums.h"

#include <algorithm>
#include <vector>

#include "cpu/kernels/versions.h"

namespace incubate::cpu {
namespace {

constexpr std::int64_t kBlock = 64;

template <typename T>
INCUBATE_INLINE void add_block(const T* __restrict values, float* __restrict partial, float* __restrict sums,
                               std::int64_t rows, std::int64_t width) {
  for (std::int64_t i = 0; i < width; ++i) partial[i] = 0;
  for (std::int64_t row = 0; row < rows; ++row, values += width) {
    for (std::int64_t i = 0; i < width; ++i) partial[i] += to_float(values[i]);
  }
  for (std::int64_t i = 0; i < width; ++i) sums[i] += partial[i];
}

INCUBATE_KERNEL(add_block_of, (const float* values, float* partial, float* sums, std::int64_t rows, std::int64_t width),
                add_block, (values, partial, sums, rows, width))
INCUBATE_KERNEL(add_block_of,
                (const Bfloat16* values, float* partial, float* sums, std::int64_t rows, std::int64_t width), add_block,
                (values, partial, sums, rows, width))

template <typename T>
void add_rows_of(const T* values, float* sums, std::int64_t rows, std::int64_t width) {
  std::vector<float> partial(width);
  for (std::int64_t row = 0; row < rows; row += kBlock) {
    add_block_of(values + (row * width), partial.data(), sums, std::min(kBlock, rows - row), width);
  }
}

}  // namespace

void add_rows(const float* values, float* sums, std::int64_t rows, std::int64_t width) {
  add_rows_of(values, sums, rows, width);
}

void add_rows(const Bfloat16* values, float* sums, std::int64_t rows, std::int64_t width) {
  add_rows_of(values, sums, rows, width);
}

}  // namespace incubate::cpu
