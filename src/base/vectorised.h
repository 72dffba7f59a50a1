#pragma once

// Put before a function: it is compiled once for every x86-64 processor and once for those with AVX2 (nearly all since
// 2013), and the program takes the one that fits when it starts. Both give the same results: AVX2 has no fused
// multiply-add. (The choice at the start does not go together with sanitizers.)
#if defined(__x86_64__) && defined(__linux__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && \
    !defined(__clang__)
#define INCUBATE_VECTORISED __attribute__((target_clones("avx2", "default")))
#else
#define INCUBATE_VECTORISED
#endif

/// Put before an inner function of such a one, so that it becomes part of it.
#define INCUBATE_INLINE __attribute__((always_inline)) inline
