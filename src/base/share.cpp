#include "base/share.h"

#include <algorithm>

namespace incubate {

Share share_of(std::int64_t count, std::int64_t rank, std::int64_t size) {
  const std::int64_t base = count / size;
  const std::int64_t larger = count % size;
  const std::int64_t begin = (rank * base) + std::min(rank, larger);
  return {begin, begin + base + (rank < larger ? 1 : 0)};
}

Share chunk_of(std::int64_t count, std::int64_t rank, std::int64_t size) {
  const std::int64_t chunk = count / (size * kChunkBlock) * kChunkBlock;
  return {rank * chunk, rank + 1 == size ? count : (rank + 1) * chunk};
}

}  // namespace incubate
