#pragma once

#include "cpu/kernels/pair_product.h"

namespace incubate::cpu {

/// Whether the processor multiplies whole tiles (AMX), by oneDNN's kernels.
bool has_matrix_unit();

/// What multiplies pairs fastest: the matrix unit, else vectors. REQUIRES: has_vector_product().
PairProduct best_product();

}  // namespace incubate::cpu
