// softmax.cpp includes this file once for each kind of processor, in its own namespace. GCC compiles vectors of 16
// floats to a processor's instructions only within functions that target this processor.

using FloatLanes = float __attribute__((vector_size(4 * kSoftmaxLanes)));
using BitLanes = std::uint32_t __attribute__((vector_size(4 * kSoftmaxLanes)));
using HalfLanes = std::uint16_t __attribute__((vector_size(2 * kSoftmaxLanes)));

INCUBATE_INLINE void load(const float* from, FloatLanes& to) { __builtin_memcpy(&to, from, sizeof(to)); }

INCUBATE_INLINE void load(const Bfloat16* from, FloatLanes& to) {
  HalfLanes halves;
  __builtin_memcpy(&halves, from, sizeof(halves));
  to = reinterpret_cast<FloatLanes>(__builtin_convertvector(halves, BitLanes) << 16U);
}

INCUBATE_INLINE void store(const FloatLanes& from, float* to) { __builtin_memcpy(to, &from, sizeof(from)); }

/// Rounds as from_float<Bfloat16>() does.
INCUBATE_INLINE void store(const FloatLanes& from, Bfloat16* to) {
  const BitLanes bits = reinterpret_cast<BitLanes>(from);
  const BitLanes rounded = (bits + 0x7FFFU + ((bits >> 16U) & 1U)) >> 16U;
  const BitLanes is_number = reinterpret_cast<BitLanes>(from == from);
  const HalfLanes halves = __builtin_convertvector((rounded & is_number) | (0x7FC0U & ~is_number), HalfLanes);
  __builtin_memcpy(to, &halves, sizeof(halves));
}

/// Sets x = e^x as vector_exp() does.
INCUBATE_INLINE void exponentiate(FloatLanes& x) {
  constexpr float kRounder = 0x1.8p23F;
  x = x < -87.0F ? FloatLanes{} - 87.0F : x;
  const FloatLanes shifted = (x * 1.44269504F) + kRounder;
  const FloatLanes power = shifted - kRounder;
  const FloatLanes r = (x - (power * 0.693145752F)) - (power * 1.42860677e-6F);
  FloatLanes series = (r * (1.0F / 720)) + 1.0F / 120;
  series = (series * r) + 1.0F / 24;
  series = (series * r) + 1.0F / 6;
  series = (series * r) + 0.5F;
  series = (series * r) + 1.0F;
  series = (series * r) + 1.0F;
  const BitLanes exponent = reinterpret_cast<BitLanes>(shifted) - std::bit_cast<std::uint32_t>(kRounder);
  x = series * reinterpret_cast<FloatLanes>((exponent + 127U) << 23U);
}

INCUBATE_INLINE FloatLanes larger(const FloatLanes& a, const FloatLanes& b) { return a > b ? a : b; }
INCUBATE_INLINE FloatLanes added(const FloatLanes& a, const FloatLanes& b) { return a + b; }

/// Combines halves until one lane is left.
template <typename Combine>
INCUBATE_INLINE float reduce(FloatLanes& x, const Combine& combine) {
  x = combine(x, __builtin_shuffle(x, BitLanes{8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7}));
  x = combine(x, __builtin_shuffle(x, BitLanes{4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11}));
  x = combine(x, __builtin_shuffle(x, BitLanes{2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13}));
  x = combine(x, __builtin_shuffle(x, BitLanes{1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14}));
  return x[0];
}

/// Steps run over several rows at a time, because within a row each step waits for the one before.
constexpr std::int64_t kRowsAtOnce = 8;

/// `addends` and `factors` (stride) exclude what is behind a row. `exponentials` holds `stride` values a row.
template <typename T>
INCUBATE_INLINE void forward_rows(T* values, const float* addends, const float* factors, float* exponentials,
                                  float scale, std::int64_t rows, std::int64_t stride) {
  FloatLanes lanes;
  FloatLanes other;
  float numbers[kRowsAtOnce];  // the largest value of each row, then the inverse of its sum
  for (std::int64_t row = 0; row < rows; ++row) {
    FloatLanes largest = FloatLanes{} - std::numeric_limits<float>::infinity();
    for (std::int64_t i = 0; i < stride; i += kSoftmaxLanes) {
      load(values + (row * stride) + i, lanes);
      load(addends + i, other);
      largest = larger(lanes + other, largest);
    }
    numbers[row] = reduce(largest, larger);
  }
  for (std::int64_t row = 0; row < rows; ++row) {
    FloatLanes sums{};
    for (std::int64_t i = 0; i < stride; i += kSoftmaxLanes) {
      load(values + (row * stride) + i, lanes);
      load(factors + i, other);
      lanes = scale * (lanes - numbers[row]);
      exponentiate(lanes);
      lanes *= other;
      sums += lanes;
      store(lanes, exponentials + (row * stride) + i);
    }
    numbers[row] = 1 / reduce(sums, added);
  }
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t i = 0; i < stride; i += kSoftmaxLanes) {
      load(exponentials + (row * stride) + i, lanes);
      store(lanes * numbers[row], values + (row * stride) + i);
    }
  }
}

template <typename T>
void forward(T* values, const float* addends, const float* factors, float* exponentials, float scale, std::int64_t rows,
             std::int64_t stride) {
  for (std::int64_t row = 0; row < rows; row += kRowsAtOnce) {
    forward_rows(values + (row * stride), addends, factors, exponentials, scale,
                 rows - row < kRowsAtOnce ? rows - row : kRowsAtOnce, stride);
  }
}

template <typename T>
INCUBATE_INLINE void backward_rows(const T* result, T* gradient, float scale, std::int64_t rows, std::int64_t stride) {
  FloatLanes p;
  FloatLanes d;
  float products[kRowsAtOnce];
  for (std::int64_t row = 0; row < rows; ++row) {
    FloatLanes sums{};
    for (std::int64_t i = row * stride; i < (row + 1) * stride; i += kSoftmaxLanes) {
      load(result + i, p);
      load(gradient + i, d);
      sums += p * d;
    }
    products[row] = reduce(sums, added);
  }
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t i = row * stride; i < (row + 1) * stride; i += kSoftmaxLanes) {
      load(result + i, p);
      load(gradient + i, d);
      store(scale * p * (d - products[row]), gradient + i);
    }
  }
}

template <typename T>
void backward(const T* result, T* gradient, float scale, std::int64_t rows, std::int64_t stride) {
  for (std::int64_t row = 0; row < rows; row += kRowsAtOnce) {
    backward_rows(result + (row * stride), gradient + (row * stride), scale,
                  rows - row < kRowsAtOnce ? rows - row : kRowsAtOnce, stride);
  }
}
