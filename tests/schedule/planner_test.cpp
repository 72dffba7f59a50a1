#include "schedule/planner.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace incubate {
namespace {

std::vector<RemainingWork> incubations(std::int64_t count, std::int64_t steps = 1000) {
  std::vector<RemainingWork> work;
  for (std::int64_t i = 0; i < count; ++i) work.push_back({steps, 1 + (0.1 * static_cast<double>(i * i % 7))});
  return work;
}

template <typename Check>
void for_all_plans(const Check& check) {
  for (std::int64_t count = 1; count <= 9; ++count) {
    for (std::int64_t ranks = 1; ranks <= 40; ++ranks) {
      for (const double cost : {0.0, 300.0}) {
        SCOPED_TRACE(testing::Message() << count << " trainings on " << ranks << " ranks, rounds cost " << cost);
        std::vector<RemainingWork> work = incubations(count);
        work.push_back({0, 1});  // one that is done
        const PlannerOptions options{
            .num_ranks = ranks, .micro_batches = 8, .round_cost_s = cost, .max_rounds = 2 * count};
        check(work, options, plan_rounds(work, options));
      }
    }
  }
}

TEST(Planner, EveryTrainingDoesJustItsSteps) {
  for_all_plans([](const std::vector<RemainingWork>& work, const PlannerOptions&, const Plan& plan) {
    std::vector<std::int64_t> done(work.size(), 0);
    for (const RoundPlan& round : plan.rounds) {
      for (const GroupPlan& group : round.groups) {
        EXPECT_FALSE(group.assignments.empty());
        for (const Assignment& a : group.assignments) {
          EXPECT_GT(a.num_steps, 0);
          done[a.training] += a.num_steps;
        }
      }
    }
    for (std::size_t i = 0; i < work.size(); ++i) EXPECT_EQ(done[i], work[i].num_steps);
  });
}

TEST(Planner, GroupsOfARoundShareNeitherRanksNorTrainings) {
  for_all_plans([](const std::vector<RemainingWork>& work, const PlannerOptions& options, const Plan& plan) {
    for (const RoundPlan& round : plan.rounds) {
      std::int64_t next = 0;
      std::vector<int> seen(work.size(), 0);
      for (const GroupPlan& group : round.groups) {
        EXPECT_EQ(group.first_rank, next);
        next += group.num_ranks;
        for (const Assignment& a : group.assignments) EXPECT_EQ(seen[a.training]++, 0);
      }
      EXPECT_LE(next, options.num_ranks);
    }
  });
}

TEST(Planner, WithEnoughRanksEveryUnfinishedTrainingHasAGroupOfItsOwn) {
  for_all_plans([](const std::vector<RemainingWork>& work, const PlannerOptions& options, const Plan& plan) {
    std::vector<std::int64_t> left;
    for (const RemainingWork& w : work) left.push_back(w.num_steps);
    for (const RoundPlan& round : plan.rounds) {
      const std::int64_t unfinished = std::ranges::count_if(left, [](std::int64_t steps) { return steps > 0; });
      std::int64_t trained = 0;
      for (const GroupPlan& group : round.groups) {
        trained += static_cast<std::int64_t>(group.assignments.size());
        if (unfinished <= options.num_ranks) {
          EXPECT_EQ(group.assignments.size(), 1);
        } else {
          EXPECT_EQ(group.num_ranks, 1);
        }
        for (const Assignment& a : group.assignments) left[a.training] -= a.num_steps;
      }
      EXPECT_EQ(trained, unfinished);
    }
  });
}

TEST(Planner, PredictsTheTimeOfItsRoundsAndTheirCost) {
  for_all_plans([](const std::vector<RemainingWork>& work, const PlannerOptions& options, const Plan& plan) {
    EXPECT_LE(plan.rounds.size(), options.max_rounds);
    double sum = 0;
    for (const RoundPlan& round : plan.rounds) {
      double slowest = 0;
      for (const GroupPlan& group : round.groups) slowest = std::max(slowest, group_s(group, work, 8));
      EXPECT_DOUBLE_EQ(round.predicted_s, slowest);
      sum += slowest + options.round_cost_s;
    }
    EXPECT_DOUBLE_EQ(plan.predicted_s, sum);
    EXPECT_GE(plan.predicted_s, makespan_bound(work, 8, options.num_ranks) * (1 - 1e-9));
  });
}

TEST(Planner, CostlyRoundsAreFew) {
  const std::vector<RemainingWork> work = incubations(5);
  const auto num_rounds = [&](double cost) {
    return plan_rounds(work, {.num_ranks = 13, .micro_batches = 8, .round_cost_s = cost, .max_rounds = 10})
        .rounds.size();
  };
  EXPECT_GT(num_rounds(0), 2);
  EXPECT_EQ(num_rounds(1e9), 1);
  for (double cost = 1; cost < 1e4; cost *= 2) EXPECT_GE(num_rounds(cost), num_rounds(2 * cost)) << cost;
}

TEST(Planner, OneRoundLeftCarriesAllToTheirEnds) {
  for (std::int64_t count = 1; count <= 6; ++count) {
    for (std::int64_t ranks = 1; ranks <= 20; ++ranks) {
      EXPECT_EQ(plan_rounds(incubations(count), {ranks, 8, 0, 1}).rounds.size(), 1) << count << " on " << ranks;
    }
  }
}

TEST(Planner, RanksGoToTheTrainingThatWouldEndLast) {
  // 4 : 2 : 1 : 1 on 8 ranks in one round.
  const Plan plan = plan_rounds({{100, 4}, {100, 2}, {100, 1}, {100, 1}}, {8, 8, 0, 1});
  ASSERT_EQ(plan.rounds.size(), 1);
  std::vector<std::int64_t> ranks(4);
  for (const GroupPlan& group : plan.rounds[0].groups) ranks[group.assignments[0].training] = group.num_ranks;
  EXPECT_EQ(ranks, (std::vector<std::int64_t>{4, 2, 1, 1}));
}

TEST(Planner, FewerRanksThanTrainingsPackThemByTime) {
  const Plan plan = plan_rounds({{100, 5}, {100, 4}, {100, 3}, {100, 2}}, {2, 8, 0, 8});
  ASSERT_EQ(plan.rounds.size(), 1);
  for (const GroupPlan& group : plan.rounds[0].groups)
    EXPECT_DOUBLE_EQ(group_s(group, {{100, 5}, {100, 4}, {100, 3}, {100, 2}}, 8), 5600);
}

TEST(Planner, TrainingsThatAreBehindGoFirstInAGroup) {
  // One rank; 100 and 40 steps left: as both can be done in the round, all are.
  const Plan all = plan_rounds({{100, 1}, {40, 1}}, {1, 8, 0, 4});
  ASSERT_EQ(all.rounds.size(), 1);
  // Two ranks, three trainings: the round ends when the first rank has nothing left; the other two have then the same
  // steps left, though they began at different ones.
  const std::vector<RemainingWork> work = {{100, 3}, {150, 1}, {180, 1}};
  const Plan plan = plan_rounds(work, {2, 8, 0, 6});
  std::vector<std::int64_t> left = {100, 150, 180};
  for (const GroupPlan& group : plan.rounds[0].groups) {
    for (const Assignment& a : group.assignments) left[a.training] -= a.num_steps;
  }
  EXPECT_EQ(left[0], 0);
  EXPECT_EQ(left[1], left[2]);
  EXPECT_NEAR(static_cast<double>(left[1]), (330 - 300) / 2.0, 1);
}

}  // namespace
}  // namespace incubate
