#include "schedule/makespan_bound.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace incubate {
namespace {

using Sizes = std::vector<std::int64_t>;

TEST(UsefulGroupSizes, AreTheSmallestForEachNumberOfMicroBatchesInTurn) {
  EXPECT_EQ(useful_group_sizes(8, 100), (Sizes{1, 2, 3, 4, 8}));  // 8, 4, 3, 2, 1 in turn
  EXPECT_EQ(useful_group_sizes(8, 7), (Sizes{1, 2, 3, 4}));
  EXPECT_EQ(useful_group_sizes(1, 5), (Sizes{1}));
  for (std::int64_t m = 1; m < 200; ++m) {
    const Sizes sizes = useful_group_sizes(m, m);
    for (std::int64_t n = 1; n <= m; ++n) {
      const bool is_listed = std::ranges::count(sizes, n) == 1;
      const bool is_faster = n == 1 || micro_batches_in_turn(m, n) < micro_batches_in_turn(m, n - 1);
      EXPECT_EQ(is_listed, is_faster) << m << " micro-batches on " << n;
    }
  }
}

TEST(MakespanBound, OneTrainingGetsAllRanksThatHelp) {
  const std::vector<RemainingWork> work = {{.num_steps = 10, .micro_batch_s = 0.5}};
  EXPECT_DOUBLE_EQ(makespan_bound(work, 8, 1), 10 * 0.5 * 8);
  EXPECT_DOUBLE_EQ(makespan_bound(work, 8, 3), 10 * 0.5 * 3);
  EXPECT_DOUBLE_EQ(makespan_bound(work, 8, 8), 10 * 0.5);
  EXPECT_DOUBLE_EQ(makespan_bound(work, 8, 1000), 10 * 0.5);
}

TEST(MakespanBound, WhereSizesDivideItIsTheSumOfWorkOverRanks) {
  const std::vector<RemainingWork> work = {{10, 3}, {10, 5}, {10, 4}};
  for (const std::int64_t ranks : {1, 2, 4, 8}) {
    EXPECT_NEAR(makespan_bound(work, 8, ranks), 10 * 12 * 8 / static_cast<double>(ranks), 1e-9);
  }
}

TEST(MakespanBound, TimeIsSharedBetweenSizesWhereTheyDoNot) {
  // Two equal trainings with 3 ranks between them: each has 1.5 on average, at 1.5 times the speed of one.
  const std::vector<RemainingWork> work = {{10, 1}, {10, 1}};
  EXPECT_NEAR(makespan_bound(work, 8, 3), 10 * 8 / 1.5, 1e-9);
  // With 7, sizes 2 and 4 (3 is slower than their mixture): 3.5 at 3.5 times.
  EXPECT_NEAR(makespan_bound(work, 8, 7), 10 * 8 / 3.5, 1e-9);
}

TEST(MakespanBound, IsNothingForNothing) {
  EXPECT_EQ(makespan_bound({}, 8, 4), 0);
  EXPECT_EQ(makespan_bound({{0, 1}, {0, 2}}, 8, 4), 0);
}

}  // namespace
}  // namespace incubate
