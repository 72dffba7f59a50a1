#include "cpu/kernels/gelu_table.h"

#include <vector>

#include "cpu/kernels/elementary.h"

namespace incubate::cpu {
namespace {

struct GeluTable {
  GeluTable() : values(kSize), slopes(kSize) {
    for (std::uint32_t bits = 0; bits < kSize; ++bits) {
      const float x = to_float(Bfloat16{static_cast<std::uint16_t>(bits)});
      const bool is_far_below = x < -20;  // both are 0 in fp32; the formulas are wrong or NaN at -infinity
      values[bits] = from_float<Bfloat16>(is_far_below ? 0.0F : x * normal_at(x).below);
      slopes[bits] = is_far_below ? 0.0F : gelu_slope(x);
    }
  }
  static const GeluTable& get() {
    static const GeluTable table;
    return table;
  }
  static constexpr std::uint32_t kSize = 1U << 16U;
  std::vector<Bfloat16> values;
  std::vector<float> slopes;
};

}  // namespace

void gelu_by_table(const Bfloat16* values, Bfloat16* result, std::int64_t size) {
  const Bfloat16* table = GeluTable::get().values.data();
  for (std::int64_t i = 0; i < size; ++i) result[i] = table[values[i].bits];
}

void gelu_backward_by_table(const Bfloat16* values, const Bfloat16* gradient, Bfloat16* result, std::int64_t size) {
  const float* table = GeluTable::get().slopes.data();
  for (std::int64_t i = 0; i < size; ++i) {
    result[i] = from_float<Bfloat16>(to_float(gradient[i]) * table[values[i].bits]);
  }
}

}  // namespace incubate::cpu
