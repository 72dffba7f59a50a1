#pragma once

// Compiles the function that follows twice: for every x86-64 processor and for those with AVX2 (nearly all since 2013).
// The program chooses when it starts. Both give the same results: AVX2 has no fused multiply-add. (Sanitizers do not
// support the choice.)
#if defined(__x86_64__) && defined(__linux__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && \
    !defined(__clang__)
#define INCUBATE_VECTORISED __attribute__((target_clones("avx2", "default")))
#else
#define INCUBATE_VECTORISED
#endif

/// Inlines the function that follows into the INCUBATE_VECTORISED function that calls it.
#define INCUBATE_INLINE __attribute__((always_inline)) inline
