#include "method/deal.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace incubate {
namespace {

class Deal : public testing::Test {
 protected:
  template <typename Check>
  static void for_all_counts(const Check& check) {
    for (std::int64_t trainings = 1; trainings <= 20; ++trainings) {
      for (std::int64_t ranks = 1; ranks <= 20; ++ranks) {
        SCOPED_TRACE(testing::Message() << trainings << " trainings on " << ranks << " ranks");
        check(trainings, ranks, deal_ranks(trainings, ranks));
      }
    }
  }
};

TEST_F(Deal, EveryRankIsInOneGroupInOrder) {
  for_all_counts([](std::int64_t, std::int64_t ranks, const std::vector<GroupPlan>& groups) {
    std::int64_t next = 0;
    for (const GroupPlan& group : groups) {
      EXPECT_EQ(group.first_rank, next);
      EXPECT_GE(group.num_ranks, 1);
      next += group.num_ranks;
    }
    EXPECT_EQ(next, ranks);
  });
}

TEST_F(Deal, EveryTrainingIsInOneGroup) {
  for_all_counts([](std::int64_t trainings, std::int64_t, const std::vector<GroupPlan>& groups) {
    std::vector<std::int64_t> all;
    for (const GroupPlan& group : groups) {
      EXPECT_FALSE(group.trainings.empty());
      all.insert(all.end(), group.trainings.begin(), group.trainings.end());
    }
    std::ranges::sort(all);
    ASSERT_EQ(all.size(), trainings);
    for (std::int64_t i = 0; i < trainings; ++i) EXPECT_EQ(all[i], i);
  });
}

TEST_F(Deal, GroupsDifferByOneRankAndOneTrainingAtMost) {
  for_all_counts([](std::int64_t trainings, std::int64_t ranks, const std::vector<GroupPlan>& groups) {
    ASSERT_EQ(groups.size(), std::min(trainings, ranks));
    const auto count = static_cast<std::int64_t>(groups.size());
    for (const GroupPlan& group : groups) {
      const auto held = static_cast<std::int64_t>(group.trainings.size());
      EXPECT_TRUE(group.num_ranks == ranks / count || group.num_ranks == (ranks + count - 1) / count);
      EXPECT_TRUE(held == trainings / count || held == (trainings + count - 1) / count);
    }
  });
}

}  // namespace
}  // namespace incubate
