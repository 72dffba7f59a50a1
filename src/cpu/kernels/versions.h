#pragma once

#include "base/vector_unit.h"
#include "base/vectorised.h"

/// Defines the function NAME PARAMETERS, with a version for each VectorUnit. All versions call the INCUBATE_INLINE
/// function BODY with ARGUMENTS. Versions round differently, as matrix products do, unlike those of
/// INCUBATE_VECTORISED: they use fused multiply-add and other orders of sums.
#if defined(__x86_64__) && !defined(__clang__)
#define INCUBATE_KERNEL(NAME, PARAMETERS, BODY, ARGUMENTS)                                                       \
  __attribute__((                                                                                                \
      target("avx512f,avx512bw,avx512vl,avx512dq,fma,prefer-vector-width=512"))) void NAME##_avx512 PARAMETERS { \
    BODY ARGUMENTS;                                                                                              \
  }                                                                                                              \
  __attribute__((target("avx2,fma"))) void NAME##_avx2 PARAMETERS { BODY ARGUMENTS; }                            \
  void NAME##_any PARAMETERS { BODY ARGUMENTS; }                                                                 \
  void NAME PARAMETERS {                                                                                         \
    const VectorUnit unit = vector_unit();                                                                       \
    if (unit == VectorUnit::avx512) return NAME##_avx512 ARGUMENTS;                                              \
    if (unit == VectorUnit::avx2) return NAME##_avx2 ARGUMENTS;                                                  \
    NAME##_any ARGUMENTS;                                                                                        \
  }
#else
#define INCUBATE_KERNEL(NAME, PARAMETERS, BODY, ARGUMENTS) \
  void NAME PARAMETERS { BODY ARGUMENTS; }
#endif
