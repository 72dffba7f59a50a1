#include "base/random.h"

#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

#include <ATen/core/PhiloxRNGEngine.h>
#include <xxhash.h>

namespace incubate {

std::uint32_t Generator::bits() {
  if (num_used_ == 4) {
    at::Philox4_32 engine(key_, subsequence_, next_block_++);
    for (std::uint32_t& word : block_) word = engine();
    num_used_ = 0;
  }
  return block_[num_used_++];
}

std::uint32_t Generator::below(std::uint32_t bound) {
  // Lemire's multiply-shift. Redrawing the rare values below `threshold` removes the bias.
  const std::uint32_t threshold = -bound % bound;
  while (true) {
    const std::uint64_t product = std::uint64_t{bits()} * bound;
    if (static_cast<std::uint32_t>(product) >= threshold) return static_cast<std::uint32_t>(product >> 32);
  }
}

double Generator::normal() {
  const double radius = 1.0 - (bits() * 0x1p-32);  // in (0, 1], so that its logarithm is finite
  const double angle = bits() * 0x1p-32;
  return std::sqrt(-2.0 * std::log(radius)) * std::cos(2.0 * std::numbers::pi * angle);
}

Generator make_generator(std::uint64_t seed, Purpose purpose, std::initializer_list<std::uint64_t> address) {
  std::vector<std::uint64_t> words = {seed, static_cast<std::uint64_t>(purpose)};
  words.insert(words.end(), address);
  const XXH128_hash_t hash = XXH3_128bits(words.data(), words.size() * sizeof(std::uint64_t));
  return {hash.low64, hash.high64};
}

std::vector<std::uint32_t> make_permutation(std::uint32_t size, Generator generator) {
  std::vector<std::uint32_t> permutation(size);
  std::iota(permutation.begin(), permutation.end(), 0U);
  for (std::uint32_t remaining = size; remaining > 1; --remaining) {
    std::swap(permutation[remaining - 1], permutation[generator.below(remaining)]);
  }
  return permutation;
}

}  // namespace incubate
