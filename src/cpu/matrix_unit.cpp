#include "cpu/matrix_unit.h"

#include <ATen/native/CPUBlas.h>

namespace incubate::cpu {
namespace {

void multiply_by_matrix_unit(const Bfloat16* a, std::int64_t a_stride, std::int64_t rows, const Pair* b,
                             std::int64_t columns, std::int64_t num_pairs, float* c) {
  at::native::cpublas::brgemm(rows, columns, 2 * num_pairs, a_stride, columns, columns, /*add_C=*/false,
                              reinterpret_cast<const at::BFloat16*>(a), reinterpret_cast<const at::BFloat16*>(b), c);
}

}  // namespace

bool has_matrix_unit() {
  static const bool has_instructions = at::native::cpublas::could_pack(at::kBFloat16) && has_vector_product();
  return has_instructions;
}

PairProduct best_product() {
  if (!has_matrix_unit()) return vector_product();
  return {
      .multiply = multiply_by_matrix_unit, .finish = [] { at::native::cpublas::brgemm_release(); }, .rows_at_once = 32};
}

}  // namespace incubate::cpu
