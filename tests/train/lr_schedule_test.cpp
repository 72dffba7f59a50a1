#include "train/lr_schedule.h"

#include <cmath>

#include <gtest/gtest.h>

namespace incubate {
namespace {

/// Returns 100 steps an epoch for 10 epochs at a global batch of 1024, with 2 epochs of warm-up.
LrSchedule example_schedule() {
  PhaseConfig phase;
  phase.learning_rate = 5e-4;
  phase.min_learning_rate = 1e-5;
  phase.warmup_epochs = 2;
  phase.warmup_learning_rate = 1e-6;
  return make_lr_schedule(phase, 1024, 100, 1000);
}

TEST(LrSchedule, RateScalesWithTheBatchOver512) {
  const LrSchedule schedule = example_schedule();
  EXPECT_DOUBLE_EQ(schedule.peak, 1e-3);
  EXPECT_DOUBLE_EQ(schedule.min, 1e-5);
  EXPECT_DOUBLE_EQ(schedule.warmup_start, 1e-6);
  EXPECT_DOUBLE_EQ(schedule.warmup_steps, 200);
  EXPECT_EQ(schedule.total_steps, 1000);
}

TEST(LrSchedule, WarmupIsLinear) {
  EXPECT_DOUBLE_EQ(learning_rate_at(example_schedule(), 0), 1e-6);
  EXPECT_DOUBLE_EQ(learning_rate_at(example_schedule(), 50), 1e-6 + ((1e-3 - 1e-6) / 4));
  EXPECT_DOUBLE_EQ(learning_rate_at(example_schedule(), 199), 1e-6 + ((1e-3 - 1e-6) * 199 / 200));
}

// The cosine runs over all steps: the warm-up hides its beginning and does not shift it.
TEST(LrSchedule, CosineAfterTheWarmup) {
  EXPECT_DOUBLE_EQ(learning_rate_at(example_schedule(), 200), 1e-5 + ((1e-3 - 1e-5) * (1 + std::cos(M_PI / 5)) / 2));
  EXPECT_DOUBLE_EQ(learning_rate_at(example_schedule(), 250), 1e-5 + ((1e-3 - 1e-5) * (1 + std::sqrt(0.5)) / 2));
  EXPECT_DOUBLE_EQ(learning_rate_at(example_schedule(), 500), (1e-3 + 1e-5) / 2);
  EXPECT_DOUBLE_EQ(learning_rate_at(example_schedule(), 750), 1e-5 + ((1e-3 - 1e-5) * (1 - std::sqrt(0.5)) / 2));
  EXPECT_DOUBLE_EQ(learning_rate_at(example_schedule(), 999), 1e-5 + ((1e-3 - 1e-5) * (1 - std::cos(M_PI / 1000)) / 2));
}

TEST(LrSchedule, PolynomialAfterTheWarmup) {
  LrSchedule schedule = example_schedule();
  schedule.shape = Schedule::polynomial;
  EXPECT_DOUBLE_EQ(learning_rate_at(schedule, 100), 1e-6 + ((1e-3 - 1e-6) / 2));
  EXPECT_DOUBLE_EQ(learning_rate_at(schedule, 200), 1e-5 + ((1e-3 - 1e-5) * 0.8));
  EXPECT_DOUBLE_EQ(learning_rate_at(schedule, 750), 1e-5 + ((1e-3 - 1e-5) * 0.25));
  schedule.power = 0.5;
  EXPECT_DOUBLE_EQ(learning_rate_at(schedule, 750), (1e-3 + 1e-5) / 2);
}

TEST(LrSchedule, EpochLaggedRatesChangeOnceAnEpochAndLagByOne) {
  LrSchedule lagged = example_schedule();
  lagged.granularity = Granularity::epoch_lagged;
  lagged.steps_per_epoch = 100;
  for (const std::int64_t step : {0, 99, 100, 199}) EXPECT_EQ(learning_rate_at(lagged, step), 1e-6) << step;
  for (const std::int64_t epoch : {2, 3, 9}) {
    for (const std::int64_t step : {100 * epoch, (100 * epoch) + 99}) {
      EXPECT_EQ(learning_rate_at(lagged, step), learning_rate_at(example_schedule(), 100 * (epoch - 1))) << step;
    }
  }
}

TEST(LrSchedule, AWarmupMayOutlastTheTraining) {
  LrSchedule schedule = example_schedule();
  EXPECT_TRUE(reaches_peak(schedule));
  schedule.warmup_steps = static_cast<double>(schedule.total_steps - 1);
  EXPECT_TRUE(reaches_peak(schedule));
  schedule.warmup_steps = static_cast<double>(schedule.total_steps);
  EXPECT_FALSE(reaches_peak(schedule));
  // The rates of the last epoch are those of the epoch before it.
  schedule.warmup_steps = static_cast<double>(schedule.total_steps - 1);
  schedule.granularity = Granularity::epoch_lagged;
  EXPECT_FALSE(reaches_peak(schedule));
}

TEST(LrSchedule, WithoutWarmupItBeginsAtThePeak) {
  LrSchedule schedule = example_schedule();
  schedule.warmup_steps = 0;
  EXPECT_DOUBLE_EQ(learning_rate_at(schedule, 0), 1e-3);
}

}  // namespace
}  // namespace incubate
