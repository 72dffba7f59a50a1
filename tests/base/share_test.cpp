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

}  // namespace
}  // namespace incubate
