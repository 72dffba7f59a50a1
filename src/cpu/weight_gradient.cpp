#include <algorithm>

#include <ATen/Parallel.h>
#include <ATen/native/CPUBlas.h>
#include <torch/torch.h>

#include "cpu/element_type.h"
#include "cpu/kernels/packing.h"
#include "cpu/matrix_unit.h"
#include "cpu/operations.h"

namespace incubate::cpu {
namespace {

// Rows and columns of the blocks that are multiplied: two factors of this size fit the second cache.
constexpr std::int64_t kBlockRows = 512;
constexpr std::int64_t kBlockWidth = 384;

bool is_for_matrix_unit(const torch::Tensor& gradient, const torch::Tensor& x) {
  return gradient.scalar_type() == torch::kBFloat16 && gradient.is_contiguous() && x.is_contiguous() &&
         x.size(1) % 16 == 0 && has_matrix_unit();
}

struct Factors {
  const Bfloat16* gradient;  // (rows, width)
  const Pair* pairs;         // of x: (rows / 2, in_width)
  std::int64_t rows, width, in_width;
};

/// Adds rows `begin` to `end` of gradient^T x to `sum`.
void add_rows_of_sum(const Factors& f, std::int64_t begin, std::int64_t end, float* sum) {
  const torch::Tensor buffer = torch::empty({kBlockWidth, kBlockRows}, torch::kBFloat16);
  Bfloat16* transposed = elements_of<Bfloat16>(buffer);
  for (std::int64_t i = begin; i < end; i += kBlockWidth) {
    const std::int64_t count = std::min(kBlockWidth, end - i);
    transpose(f.gradient + i, f.width, f.rows, count, transposed, kBlockRows);
    for (std::int64_t j = 0; j < f.in_width; j += kBlockWidth) {
      at::native::cpublas::brgemm(count, std::min(kBlockWidth, f.in_width - j), (f.rows + 1) / 2 * 2, kBlockRows,
                                  f.in_width, f.in_width, /*add_C=*/true,
                                  reinterpret_cast<const at::BFloat16*>(transposed),
                                  reinterpret_cast<const at::BFloat16*>(f.pairs + j), sum + (i * f.in_width) + j);
    }
  }
  at::native::cpublas::brgemm_release();
}

/// oneDNN's own product of this form takes a third longer, and rounds the result to bfloat16.
void add_by_matrix_unit(const torch::Tensor& gradient, const torch::Tensor& x, torch::Tensor& sum) {
  constexpr std::int64_t kLeastRowsOfAThread = 64;
  const std::int64_t width = gradient.size(1);
  const std::int64_t in_width = x.size(1);
  const torch::Tensor buffer = torch::empty({kBlockRows / 2, in_width}, torch::kInt32);
  Pair* pairs = elements_of<Pair>(buffer);
  for (std::int64_t row = 0; row < x.size(0); row += kBlockRows) {
    const std::int64_t rows = std::min(kBlockRows, x.size(0) - row);
    const Bfloat16* first = elements_of<Bfloat16>(x) + (row * in_width);
    at::parallel_for(0, (rows + 1) / 2, kLeastRowsOfAThread, [&](std::int64_t begin, std::int64_t end) {
      pair_rows(first + (2 * begin * in_width), std::min(rows, 2 * end) - (2 * begin), in_width,
                pairs + (begin * in_width));
    });
    const Factors factors = {elements_of<Bfloat16>(gradient) + (row * width), pairs, rows, width, in_width};
    at::parallel_for(0, width, kLeastRowsOfAThread, [&](std::int64_t begin, std::int64_t end) {
      add_rows_of_sum(factors, begin, end, elements_of<float>(sum));
    });
  }
}

}  // namespace

bool add_weight_gradient(const torch::Tensor& gradient, const torch::Tensor& x, torch::Tensor& sum) {
  const bool is_faster = is_for_matrix_unit(gradient, x);
  if (is_faster) add_by_matrix_unit(gradient, x, sum);
  return is_faster;
}

}  // namespace incubate::cpu
