#pragma once

#include "kernels/pair_product.h"

namespace incubate {

/// What multiplies pairs fastest on this processor: oneDNN's kernels by its matrix unit (AMX) where it has one, else
/// vectors. REQUIRES: has_vector_product().
PairProduct best_product();

}  // namespace incubate
