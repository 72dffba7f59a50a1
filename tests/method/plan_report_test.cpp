#include "method/plan_report.h"

#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

#include "support/tiny_model.h"

namespace incubate {
namespace {

constexpr std::int64_t kNumImages = 160;  // 10 steps an epoch

/// Batches of 16 images in 4 micro-batches, in every phase.
RunConfig example_config() {
  RunConfig config;
  config.model = tiny_model_config();
  config.model.depths = {2, 2, 2};
  config.batch.global = 16;
  for (PhaseConfig* phase : {&config.meta, &config.incubation, &config.finetuning, &config.end_to_end}) {
    phase->epochs = {.count = 3, .matched = false};
    phase->micro = 4;
  }
  return config;
}

std::vector<Training> trainings_of(const RunConfig& config) {
  return list_trainings(
      config,
      {.num_train = kNumImages, .height = 8, .width = 8, .channels = 1, .class_names = {"a", "b", "c"}, .digest = ""});
}

/// What is planned, with the trainings that it points to.
struct Planned {
  RunConfig config;
  std::vector<Training> trainings = {};
  PlanReport report = {};
};

Planned plan(const Machine& machine) {
  Planned planned{.config = example_config()};
  planned.trainings = trainings_of(planned.config);
  planned.report = make_plan_report(planned.config, planned.trainings, kNumImages, machine);
  return planned;
}

TEST(PlanReport, EfficiencyIsOneWhereEverythingDivides) {
  for (const std::int64_t num_ranks : {1, 2, 4}) {
    const Planned planned = plan({.num_ranks = num_ranks, .rank_flops_per_s = 1e6});
    const MethodForecast& method = planned.report.end_to_end;
    EXPECT_DOUBLE_EQ(method.efficiency(), 1) << num_ranks;
    EXPECT_DOUBLE_EQ(method.predicted_s, method.block_flops / 1e6 / static_cast<double>(num_ranks));
    EXPECT_DOUBLE_EQ(method.busy_rank_s, method.block_flops / 1e6);
  }
}

TEST(PlanReport, RanksThatDoNotDivideTheMicroBatchesWait) {
  EXPECT_DOUBLE_EQ(plan({.num_ranks = 3}).report.end_to_end.efficiency(), 4.0 / (2 * 3));
  const Planned of_8 = plan({.num_ranks = 8});
  EXPECT_DOUBLE_EQ(of_8.report.end_to_end.efficiency(), 4.0 / 8);
  EXPECT_EQ(of_8.report.phases.back().forecast.rounds[0].first_idle_rank, 4);
}

TEST(PlanReport, PhasesAddUpToMethods) {
  const PlanReport report = plan({.num_ranks = 5, .round_cost_s = 2}).report;
  double ideal = 0;
  double predicted = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    ideal += report.phases[i].forecast.ideal_s;
    predicted += report.phases[i].forecast.predicted_s;
  }
  EXPECT_DOUBLE_EQ(report.deep_incubation.ideal_s, ideal);
  EXPECT_DOUBLE_EQ(report.deep_incubation.predicted_s, predicted);
  EXPECT_DOUBLE_EQ(report.end_to_end.predicted_s, report.phases[3].forecast.predicted_s);
  EXPECT_GE(predicted, 3 * 2);  // a round a phase at least
}

TEST(PlanReport, ReductionsTakeTheirTime) {
  const Machine fast{.num_ranks = 2, .rank_flops_per_s = 1e6};
  Machine slow = fast;
  slow.network_bytes_per_s = 1e3;
  const MethodForecast without = plan(fast).report.end_to_end;
  const Planned with = plan(slow);
  const Training& training = with.trainings.back();
  const std::int64_t bytes = 8 * num_parameters(training.spec);
  EXPECT_DOUBLE_EQ(with.report.end_to_end.predicted_s - without.predicted_s, 30 * static_cast<double>(bytes) / 1e3);
  EXPECT_DOUBLE_EQ(with.report.end_to_end.reduced_bytes, 30 * static_cast<double>(bytes));
}

TEST(PlanReport, CriticalPathIsOneMicroBatchAStep) {
  const PlanReport report = plan({.num_ranks = 1, .rank_flops_per_s = 1e6, .round_cost_s = 9}).report;
  EXPECT_DOUBLE_EQ(report.end_to_end.critical_path_s, report.end_to_end.block_flops / 1e6 / 4);
  double sum = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    sum += *std::ranges::max_element(report.phases[i].work.block_flops) / 1e6 / 4;
  }
  EXPECT_DOUBLE_EQ(report.deep_incubation.critical_path_s, sum);
}

TEST(PlanReport, ReducedBytesOfTheCriticalPathCountTheLargestStageOnce) {
  const Planned planned = plan({});
  double expected = 0;
  for (const std::string name : {"meta", "stage_0", "finetuned"}) {  // stage 0 has the most parameters
    expected +=
        30 * 8 *
        static_cast<double>(num_learning_parameters(*std::ranges::find(planned.trainings, name, &Training::name)));
  }
  EXPECT_DOUBLE_EQ(planned.report.deep_incubation.reduced_bytes_critical_path, expected);
}

TEST(Scaling, IsTheLargestEfficientCount) {
  const Planned planned = plan({});
  const std::vector<const PhaseWork*> works = {&planned.report.phases[3].work};
  // 4 micro-batches: efficiency 1, 1, 4/6, 1, 4/5, 4/6, ...
  const std::optional<Scaling> scaling = find_scaling(works, {}, 0.8, 4096);
  ASSERT_TRUE(scaling);
  EXPECT_EQ(scaling->num_ranks, 5);
  EXPECT_DOUBLE_EQ(scaling->efficiency, 0.8);
  EXPECT_EQ(find_scaling(works, {}, 0.9, 4096)->num_ranks, 4);
  EXPECT_EQ(find_scaling(works, {}, 0.9, 3)->num_ranks, 2);
}

TEST(Scaling, AgreesWithAPlanForEveryCount) {
  const Planned planned = plan({});
  const std::vector<const PhaseWork*> works = {&planned.report.phases[0].work, &planned.report.phases[1].work,
                                               &planned.report.phases[2].work};
  for (const double network : {0.0, 1e10}) {
    std::int64_t largest = 0;
    for (std::int64_t n = 1; n <= 40; ++n) {
      const Machine machine{.num_ranks = n, .network_bytes_per_s = network};
      if (plan(machine).report.deep_incubation.efficiency() >= 0.7) largest = n;
    }
    const std::optional<Scaling> scaling = find_scaling(works, {.network_bytes_per_s = network}, 0.7, 40);
    ASSERT_TRUE(scaling);
    EXPECT_EQ(scaling->num_ranks, largest);
  }
}

TEST(Scaling, IsAbsentWhereRoundsCostMoreThanTraining) {
  const Planned planned = plan({});
  EXPECT_FALSE(find_scaling({&planned.report.phases[3].work}, {.round_cost_s = 1e9}, 0.8, 100));
}

}  // namespace
}  // namespace incubate
