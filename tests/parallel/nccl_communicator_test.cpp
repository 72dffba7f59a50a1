#include "parallel/nccl_communicator.h"

#include <gtest/gtest.h>

namespace incubate {
namespace {

// The patience covers 8 ranks and thousands. It stays within the usual run.timeout_s; otherwise stuck ranks would go
// unreported.
TEST(NcclCommunicator, PatienceWithTheFirstCollectivesGrowsWithTheRanks) {
  EXPECT_GT(patience_of_first_s(8), 2 * 55);
  EXPECT_GT(patience_of_first_s(1000), 2 * 150);
  EXPECT_LT(patience_of_first_s(2000), 600);
}

}  // namespace
}  // namespace incubate
