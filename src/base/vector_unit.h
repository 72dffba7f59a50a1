#pragma once

#include <cstdlib>
#include <string_view>

namespace incubate {

/// The vector instructions that functions of this program have versions for.
enum class VectorUnit { any, avx2, avx512 };

/// Returns the newest that the processor has and ATEN_CPU_CAPABILITY allows (default, avx2 or avx512), which caps ATen
/// too. The variable is read at the first call.
inline VectorUnit vector_unit() {
#ifdef __x86_64__
  static const VectorUnit unit = [] {
    const char* text = std::getenv("ATEN_CPU_CAPABILITY");
    const std::string_view cap = text == nullptr ? "" : text;
    __builtin_cpu_init();
    if (cap == "default" || !__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return VectorUnit::any;
    const bool has_avx512 =
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    return has_avx512 && cap != "avx2" ? VectorUnit::avx512 : VectorUnit::avx2;
  }();
  return unit;
#else
  return VectorUnit::any;
#endif
}

}  // namespace incubate
