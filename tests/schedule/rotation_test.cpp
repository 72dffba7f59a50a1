#include "schedule/rotation.h"

#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

#include "deal_bound.h"
#include "schedule/makespan_bound.h"

namespace incubate {
namespace {

double total_s(const std::vector<Deal>& deals) {
  double sum = 0;
  for (const Deal& deal : deals) sum += deal.duration_s;
  return sum;
}

/// Returns ascending work that differs by up to a factor of 4.
std::vector<double> example_work(std::int64_t count) {
  std::vector<double> serial_s;
  for (std::int64_t i = 0; i < count; ++i) serial_s.push_back(100 + (300.0 * i * i / (count * count)));
  return serial_s;
}

template <typename Check>
void for_all_rotations(const Check& check) {
  for (const std::int64_t micro_batches : {1, 5, 8, 32}) {
    for (std::int64_t count = 1; count <= 7; ++count) {
      for (std::int64_t ranks = count; ranks <= count * micro_batches + 3; ++ranks) {
        SCOPED_TRACE(testing::Message() << count << " trainings of " << micro_batches << " micro-batches on " << ranks);
        check(example_work(count), micro_batches, ranks, rotate_ranks(example_work(count), micro_batches, ranks));
      }
    }
  }
}

TEST(Rotation, FinishesEveryTraining) {
  for_all_rotations(
      [](const std::vector<double>& serial_s, std::int64_t m, std::int64_t, const std::vector<Deal>& deals) {
        for (std::size_t k = 0; k < serial_s.size(); ++k) {
          double done = 0;
          for (const Deal& deal : deals) {
            const std::int64_t size = deal.group_sizes[k];
            if (size > 0) done += deal.duration_s / static_cast<double>(micro_batches_in_turn(m, size));
          }
          EXPECT_GE(done, serial_s[k] * (1 - 1e-9));
        }
      });
}

TEST(Rotation, DealsNoRankTwiceAndLeavesNoUnfinishedTrainingWithout) {
  for_all_rotations(
      [](const std::vector<double>& serial_s, std::int64_t, std::int64_t ranks, const std::vector<Deal>& deals) {
        EXPECT_LE(deals.size(), serial_s.size());
        std::vector<bool> is_over(serial_s.size(), false);
        for (const Deal& deal : deals) {
          EXPECT_LE(std::accumulate(deal.group_sizes.begin(), deal.group_sizes.end(), std::int64_t{0}), ranks);
          EXPECT_GT(deal.duration_s, 0);
          for (std::size_t k = 0; k < serial_s.size(); ++k) {
            EXPECT_FALSE(is_over[k] && deal.group_sizes[k] > 0);
            is_over[k] = deal.group_sizes[k] == 0;
          }
        }
      });
}

/// (A little is lost where a training that would better wait has a rank: 1.4% with 3 trainings on 3 ranks.)
TEST(Rotation, NoSequenceOfDealsIsFasterByTwoPercent) {
  for (const std::int64_t count : {2, 3}) {
    for (std::int64_t ranks = count; ranks <= count * 8; ++ranks) {
      const double bound = deal_bound(example_work(count), 8, ranks, 4000);
      EXPECT_GE(bound, 0.98 * total_s(rotate_ranks(example_work(count), 8, ranks))) << count << " on " << ranks;
    }
  }
}

TEST(Rotation, SharesThreeRanksBetweenTwoEqualTrainingsByTurns) {
  const std::vector<Deal> deals = rotate_ranks({100, 100}, 8, 3);
  ASSERT_EQ(deals.size(), 2);
  EXPECT_NEAR(total_s(deals), 100 * 8 / 1.5, 1e-6);
  EXPECT_EQ(deals[0].group_sizes[0], deals[1].group_sizes[1]);
  EXPECT_EQ(deals[0].group_sizes[1], deals[1].group_sizes[0]);
}

}  // namespace
}  // namespace incubate
