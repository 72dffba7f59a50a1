#include "ops/best_product.h"

#include <ATen/native/CPUBlas.h>

namespace incubate {
namespace {

void multiply_by_matrix_unit(const Bfloat16* a, std::int64_t a_stride, std::int64_t rows, const Pair* b,
                             std::int64_t columns, std::int64_t num_pairs, float* c) {
  at::native::cpublas::brgemm(rows, columns, 2 * num_pairs, a_stride, columns, columns, /*add_C=*/false,
                              reinterpret_cast<const at::BFloat16*>(a), reinterpret_cast<const at::BFloat16*>(b), c);
}

}  // namespace

PairProduct best_product() {
  static const bool has_matrix_unit = at::native::cpublas::could_pack(at::kBFloat16);
  if (!has_matrix_unit) return vector_product();
  return {
      .multiply = multiply_by_matrix_unit, .finish = [] { at::native::cpublas::brgemm_release(); }, .rows_at_once = 32};
}

}  // namespace incubate
