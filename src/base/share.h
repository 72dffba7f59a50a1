#pragma once

#include <cstdint>

namespace incubate {

/// A half-open range of indices.
struct Share {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t size() const { return end - begin; }
};

/// The contiguous share of `count` items that falls to `rank` of `size`; shares differ by one at most, the first ranks
/// have the larger ones.
Share share_of(std::int64_t count, std::int64_t rank, std::int64_t size);

/// Values that no chunk cuts apart.
inline constexpr std::int64_t kChunkBlock = 1024;

/// The same of an array's values, in chunks of whole blocks that are equal, as collectives want them, but for the last
/// rank's, which has what is left over too.
Share chunk_of(std::int64_t count, std::int64_t rank, std::int64_t size);

}  // namespace incubate
