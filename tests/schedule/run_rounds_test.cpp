#include "schedule/run_rounds.h"

#include <chrono>
#include <cmath>
#include <thread>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "support/test_world.h"

namespace incubate {
namespace {

/// Trainings whose steps only sleep as long as their group would compute.
class RunRounds : public testing::Test {
 protected:
  static constexpr std::int64_t kMicroBatches = 8;

  /// Starts with seconds of a micro-batch for each training, and steps for all.
  void begin(std::vector<double> micro_batch_s, std::int64_t steps) {
    micro_batch_s_ = std::move(micro_batch_s);
    progress_.assign(micro_batch_s_.size(), {.steps_done = 0, .total_steps = steps, .micro_batch_s = 0});
    steps_slept_.assign(micro_batch_s_.size(), 0);
    options_ = {.micro_batches = kMicroBatches, .round_cost_s = 0.02, .estimated_micro_batch_s = micro_batch_s_};
  }

  void run() {
    StatusChannel channel(world_, [](std::span<const std::byte>) {});
    std::vector<std::int64_t> ready(progress_.size());
    for (std::size_t i = 0; i < ready.size(); ++i) ready[i] = static_cast<std::int64_t>(i);
    const Stopwatch watch;
    run_rounds(
        ready, options_, world_, torch::kCPU, channel,
        [this](const GroupPlan& plan, ProcessGroup& group, std::vector<TrainingProgress>& progress) {
          sleep_through(plan, group, progress);
        },
        {.on_begin = [this](const RoundPlan&) { ++num_rounds_; },
         .on_end = [this](const RoundPlan&, double busy_rank_s) { busy_rank_s_ += busy_rank_s; }},
        progress_);
    elapsed_s_ = watch.elapsed_s();
  }

  void sleep_through(const GroupPlan& plan, ProcessGroup& group, std::vector<TrainingProgress>& progress) {
    EXPECT_EQ(group.size(), plan.num_ranks);
    const auto in_turn = static_cast<double>(micro_batches_in_turn(kMicroBatches, group.size()));
    for (const Assignment& a : plan.assignments) {
      const double seconds = static_cast<double>(a.num_steps) * micro_batch_s_[a.training] * in_turn;
      std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
      useful_rank_s_ += seconds;
      if (group.is_leader()) steps_slept_[a.training] += a.num_steps;
      progress[a.training].steps_done += a.num_steps;
      progress[a.training].micro_batch_s = micro_batch_s_[a.training];
    }
  }

  /// Returns the fraction of all ranks' time without training, from the ranks' own sums.
  double idle() {
    std::vector<std::int64_t> useful_us = {std::llround(useful_rank_s_ * 1e6)};
    world_.all_reduce_sum(useful_us, "test");
    return 1 - (static_cast<double>(useful_us[0]) * 1e-6 / (elapsed_s_ * world_.size()));
  }

  const Communicator& world_ = test_world();
  std::vector<double> micro_batch_s_;
  std::vector<TrainingProgress> progress_;
  std::vector<std::int64_t> steps_slept_;  // of groups led by this rank
  RoundsOptions options_;
  std::int64_t num_rounds_ = 0;
  double useful_rank_s_ = 0;  // of this rank
  double busy_rank_s_ = 0;
  double elapsed_s_ = 0;
};

/// The block passes of the four incubations with depths 1, 2, 4 and 8.
const std::vector<double> kUneven = {9e-5, 11e-5, 16e-5, 27e-5};

/// Divides the ranks evenly, once, with each training to its end: the planner must beat this.
Plan deal_evenly(const std::vector<RemainingWork>& work, const PlannerOptions& options) {
  RoundPlan round;
  const auto count = static_cast<std::int64_t>(work.size());
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t size = options.num_ranks / count;
    round.groups.push_back({.first_rank = i * size, .num_ranks = size, .assignments = {{i, work[i].num_steps}}});
  }
  return {.rounds = {round}, .predicted_s = 0};
}

TEST_F(RunRounds, EveryStepIsMadeOnceAndEveryRankKnows) {
  begin(kUneven, 7);
  options_.round_cost_s = 0;
  run();
  for (std::size_t i = 0; i < progress_.size(); ++i) {
    std::vector<std::int64_t> slept = {steps_slept_[i]};
    world_.all_reduce_sum(slept, "test");
    EXPECT_EQ(slept[0], 7) << i;
    EXPECT_EQ(progress_[i].steps_done, 7) << i;
    EXPECT_NEAR(progress_[i].micro_batch_s, kUneven[i], 1e-9) << i;
  }
  EXPECT_LE(num_rounds_, 8);
}

TEST_F(RunRounds, WhatWasDoneBeforeIsNotDoneAgain) {
  begin(kUneven, 7);
  progress_[1].steps_done = 7;
  progress_[2].steps_done = 3;
  run();
  std::vector<std::int64_t> slept = steps_slept_;
  world_.all_reduce_sum(slept, "test");
  EXPECT_EQ(slept, (std::vector<std::int64_t>{7, 0, 4, 7}));
}

TEST_F(RunRounds, RanksIdleForLessThanATenthWhereAnEvenDealWastesAThird) {
  if (world_.size() != 8) GTEST_SKIP() << "needs 8 ranks, not " << world_.size();
  begin(kUneven, 8000);
  run();
  const double planned = idle();
  EXPECT_LT(planned, 0.1);
  EXPECT_NEAR(1 - (busy_rank_s_ / (elapsed_s_ * 8)), planned, 0.05);  // as the run itself counts
  if (world_.is_leader())
    fmt::print("planned: {:.1f}% idle, {} rounds, {:.2f} s\n", 100 * planned, num_rounds_, elapsed_s_);

  useful_rank_s_ = 0;
  begin(kUneven, 3000);
  options_.plan = deal_evenly;
  run();
  const double even = idle();
  EXPECT_GT(even, 0.3);
  if (world_.is_leader()) fmt::print("dealt evenly: {:.1f}% idle, {:.2f} s\n", 100 * even, elapsed_s_);
}

/// A round corrects estimates that are far off.
TEST_F(RunRounds, MeasuredTimesReplaceEstimates) {
  if (world_.size() != 8) GTEST_SKIP() << "needs 8 ranks, not " << world_.size();
  begin(kUneven, 1000);
  options_.estimated_micro_batch_s = {1, 1, 1, 1};
  std::vector<PlannerOptions> seen;
  std::vector<std::vector<RemainingWork>> works;
  options_.plan = [&](const std::vector<RemainingWork>& work, const PlannerOptions& options) {
    works.push_back(work);
    seen.push_back(options);
    Plan plan = plan_rounds(work, options);
    if (works.size() == 1) {  // end the first round early
      for (GroupPlan& group : plan.rounds[0].groups) {
        for (Assignment& a : group.assignments) a.num_steps = 100;
      }
    }
    return plan;
  };
  run();
  ASSERT_GE(works.size(), 2);
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(works[1][i].micro_batch_s, kUneven[i], 1e-9);
  EXPECT_EQ(seen[0].max_rounds, 8);
  EXPECT_EQ(seen[1].max_rounds, 7);
}

}  // namespace
}  // namespace incubate
