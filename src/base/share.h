#pragma once

#include <algorithm>
#include <cstdint>

namespace incubate {

/// A half-open range of indices.
struct Share {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t size() const { return end - begin; }
};

/// Returns the contiguous share of `count` items for `rank` of `size` ranks. Shares differ by at most one item; the
/// first ranks have the larger ones.
constexpr Share share_of(std::int64_t count, std::int64_t rank, std::int64_t size) {
  const std::int64_t base = count / size;
  const std::int64_t larger = count % size;
  const std::int64_t begin = (rank * base) + std::min(rank, larger);
  return {begin, begin + base + (rank < larger ? 1 : 0)};
}

/// Number of consecutive values that one rank keeps together.
inline constexpr std::int64_t kChunkBlock = 1024;

/// Returns the chunk of `count` values for `rank`. Chunks are equal multiples of kChunkBlock, as collectives need. The
/// last rank also has the remainder.
constexpr Share chunk_of(std::int64_t count, std::int64_t rank, std::int64_t size) {
  const std::int64_t chunk = count / (size * kChunkBlock) * kChunkBlock;
  return {rank * chunk, rank + 1 == size ? count : (rank + 1) * chunk};
}

}  // namespace incubate
