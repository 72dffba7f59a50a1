#include "ops/weight_gradient.h"

#include <algorithm>
#include <vector>

#include <ATen/native/CPUBlas.h>
#include <torch/torch.h>

#include "kernels/packing.h"
#include "ops/best_product.h"
#include "ops/element_type.h"

namespace incubate {
namespace {

// What is multiplied at once: both factors stay in the second cache.
constexpr std::int64_t kRows = 512;
constexpr std::int64_t kWidth = 384;

bool is_for_matrix_unit(const torch::Tensor& gradient, const torch::Tensor& x) {
  return gradient.is_cpu() && gradient.scalar_type() == torch::kBFloat16 && gradient.is_contiguous() &&
         x.is_contiguous() && x.size(1) % 16 == 0 && has_matrix_unit();
}

/// The library's own product of this form takes a third longer, and has its result in bfloat16.
void add_by_matrix_unit(const torch::Tensor& gradient, const torch::Tensor& x, torch::Tensor& sum) {
  const std::int64_t width = gradient.size(1);
  const std::int64_t in_width = x.size(1);
  const Bfloat16* gradients = elements_of<Bfloat16>(gradient);
  std::vector<Pair> pairs(kRows / 2 * in_width);
  std::vector<Bfloat16> transposed(kWidth * kRows);
  for (std::int64_t row = 0; row < x.size(0); row += kRows) {
    const std::int64_t rows = std::min(kRows, x.size(0) - row);
    pair_rows(elements_of<Bfloat16>(x) + (row * in_width), rows, in_width, pairs.data());
    for (std::int64_t i = 0; i < width; i += kWidth) {
      const std::int64_t count = std::min(kWidth, width - i);
      transpose(gradients + (row * width) + i, width, rows, count, transposed.data(), kRows);
      for (std::int64_t j = 0; j < in_width; j += kWidth) {
        at::native::cpublas::brgemm(
            count, std::min(kWidth, in_width - j), (rows + 1) / 2 * 2, kRows, in_width, in_width,
            /*add_C=*/true, reinterpret_cast<const at::BFloat16*>(transposed.data()),
            reinterpret_cast<const at::BFloat16*>(pairs.data() + j), elements_of<float>(sum) + (i * in_width) + j);
      }
    }
  }
  at::native::cpublas::brgemm_release();
}

}  // namespace

void add_weight_gradient(const torch::Tensor& gradient, const torch::Tensor& x, torch::Tensor& sum) {
  if (is_for_matrix_unit(gradient, x)) {
    add_by_matrix_unit(gradient, x, sum);
  } else {
    sum.add_(at::mm(gradient.t(), x));
  }
}

}  // namespace incubate
