#pragma once

#include "cpu/kernels/pair_product.h"

namespace incubate::cpu {

/// True if the processor multiplies whole tiles (AMX) and oneDNN's kernels support it.
bool has_matrix_unit();

/// Returns the fastest product of pairs: by the matrix unit, else by vectors. REQUIRES: has_vector_product().
PairProduct best_product();

}  // namespace incubate::cpu
