#pragma once

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
Share share_of(std::int64_t count, std::int64_t rank, std::int64_t size);

/// Number of consecutive values that one rank keeps together.
inline constexpr std::int64_t kChunkBlock = 1024;

/// Returns the chunk of `count` values for `rank`. Chunks are equal multiples of kChunkBlock, as collectives need. The
/// last rank also has the remainder.
Share chunk_of(std::int64_t count, std::int64_t rank, std::int64_t size);

}  // namespace incubate
