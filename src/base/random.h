#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <vector>

namespace incubate {

/// Purpose of a random number. Values are part of every result: never renumber.
enum class Purpose : std::uint64_t {
  initialisation = 1,
  shuffle = 2,
  augmentation = 3,
  drop_path = 4,
  mixup = 5,
  subset = 6,
  shards = 7
};

/// A stream of random numbers at an address. The same (seed, purpose, address) gives the same numbers on every rank, in
/// any order of calls, after any restart. Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
/// SC11), keyed by a 128-bit hash of the address.
class Generator {
 public:
  Generator(std::uint64_t key, std::uint64_t subsequence) : key_(key), subsequence_(subsequence) {}

  /// Returns 32 random bits.
  std::uint32_t bits();
  /// Returns a uniform multiple of 2^-24 in [0, 1).
  float uniform() { return static_cast<float>(bits() >> 8) * 0x1p-24F; }
  /// Returns a uniform integer in [0, bound), without bias. REQUIRES: 0 < bound < 2^32.
  std::uint32_t below(std::uint32_t bound);
  /// Returns a standard normal number (Box-Muller).
  double normal();

 private:
  std::uint64_t key_;
  std::uint64_t subsequence_;
  std::uint64_t next_block_ = 0;
  std::array<std::uint32_t, 4> block_{};
  int num_used_ = 4;
};

/// Returns the generator at (seed, purpose, address...), for example (phase, epoch, position).
Generator make_generator(std::uint64_t seed, Purpose purpose, std::initializer_list<std::uint64_t> address);

/// Returns a uniformly random permutation of 0 .. size-1 (Fisher-Yates).
std::vector<std::uint32_t> make_permutation(std::uint32_t size, Generator generator);

}  // namespace incubate
