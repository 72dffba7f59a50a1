#include "base/share.h"

#include <gtest/gtest.h>

namespace incubate {
namespace {

TEST(ShareOf, SharesAreContiguousDifferByOneAndCoverAll) {
  for (std::int64_t count = 0; count <= 40; ++count) {
    for (std::int64_t size = 1; size <= 20; ++size) {
      std::int64_t end = 0;
      std::int64_t previous_size = share_of(count, 0, size).size();
      for (std::int64_t rank = 0; rank < size; ++rank) {
        const Share share = share_of(count, rank, size);
        EXPECT_EQ(share.begin, end);
        EXPECT_GE(share.size(), count / size);
        EXPECT_LE(share.size(), (count + size - 1) / size);
        EXPECT_LE(share.size(), previous_size);
        end = share.end;
        previous_size = share.size();
      }
      EXPECT_EQ(end, count);
    }
  }
}

TEST(ChunkOf, ChunksAreEqualWholeBlocksAndTheLastHasTheRest) {
  for (const std::int64_t count : {std::int64_t{0}, kChunkBlock - 1, kChunkBlock, (10 * kChunkBlock) + 7}) {
    for (std::int64_t size = 1; size <= 12; ++size) {
      std::int64_t end = 0;
      const std::int64_t first_size = chunk_of(count, 0, size).size();
      for (std::int64_t rank = 0; rank < size; ++rank) {
        const Share chunk = chunk_of(count, rank, size);
        EXPECT_EQ(chunk.begin, end);
        EXPECT_EQ(chunk.begin % kChunkBlock, 0);
        EXPECT_TRUE(rank + 1 == size || chunk.size() == first_size);
        EXPECT_LT(chunk.size() - first_size, size * kChunkBlock);
        end = chunk.end;
      }
      EXPECT_EQ(end, count);
    }
  }
}

}  // namespace
}  // namespace incubate
