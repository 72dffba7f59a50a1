#include "forecast/plan_report.h"

#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

#include "support/tiny_model.h"

namespace incubate {
namespace {

constexpr std::int64_t kNumImages = 160;  // 10 steps an epoch

/// Returns a configuration with batches of 16 images in 4 micro-batches, in every phase.
RunConfig example_config() {
  RunConfig config;
  config.model = tiny_model_config();
  config.model.depths = {2, 2, 2};
  config.batch.global = 16;
  for (auto& [section, phase] : config.phases) {
    if (section == section_of(Phase::high_resolution)) continue;
    phase.epochs = {.count = 3, .matched = false};
    phase.micro = 4;
  }
  return config;
}

std::vector<Training> trainings_of(const RunConfig& config) {
  return list_trainings(
      config,
      {.num_train = kNumImages, .height = 8, .width = 8, .channels = 1, .class_names = {"a", "b", "c"}, .digest = ""});
}

/// A plan and the trainings that it refers to.
struct Planned {
  RunConfig config;
  std::vector<Training> trainings = {};
  PlanReport report = {};
};

Planned plan(const Machine& machine, const std::vector<std::string>& chosen = RunConfig().method.trainings) {
  Planned planned{.config = example_config()};
  planned.config.method.trainings = chosen;
  planned.trainings = trainings_of(planned.config);
  planned.report = make_plan_report(planned.config, planned.trainings, kNumImages, machine);
  return planned;
}

TEST(PlanReport, EfficiencyIsOneWhereEverythingDivides) {
  for (const std::int64_t num_ranks : {1, 2, 4}) {
    const Planned planned = plan({.num_ranks = num_ranks, .rank_flops_per_s = 1e6});
    const MethodForecast& method = *planned.report.find_method("end to end");
    EXPECT_DOUBLE_EQ(method.efficiency(), 1) << num_ranks;
    EXPECT_DOUBLE_EQ(method.predicted_s, method.block_flops / 1e6 / static_cast<double>(num_ranks));
    EXPECT_DOUBLE_EQ(method.busy_rank_s, method.block_flops / 1e6);
  }
}

TEST(PlanReport, RanksThatDoNotDivideTheMicroBatchesWait) {
  EXPECT_DOUBLE_EQ(plan({.num_ranks = 3}).report.find_method("end to end")->efficiency(), 4.0 / (2 * 3));
  const Planned of_8 = plan({.num_ranks = 8});
  EXPECT_DOUBLE_EQ(of_8.report.find_method("end to end")->efficiency(), 4.0 / 8);
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
  EXPECT_DOUBLE_EQ(report.find_method("Deep Incubation")->ideal_s, ideal);
  EXPECT_DOUBLE_EQ(report.find_method("Deep Incubation")->predicted_s, predicted);
  EXPECT_DOUBLE_EQ(report.find_method("end to end")->predicted_s, report.phases[3].forecast.predicted_s);
  EXPECT_GE(predicted, 3 * 2);  // a round a phase at least
}

TEST(PlanReport, IsOfWhatIsChosen) {
  using Names = std::vector<std::string>;
  const auto names_of = [](const PlanReport& report) {
    Names names;
    for (const TrainingCost& cost : report.trainings) names.push_back(cost.training->name);
    for (const PhasePlan& phase : report.phases) names.push_back("phase " + std::string(to_string(phase.work.phase)));
    for (const MethodForecast& method : report.methods) names.push_back("method " + method.method);
    return names;
  };
  EXPECT_EQ(names_of(plan({}, {"shallow", "grown"}).report),
            (Names{"meta", "grown", "shallow", "phase meta", "phase grown", "phase shallow",
                   "method grown from the meta model", "method shallow for the whole budget"}));
  EXPECT_EQ(names_of(plan({}, {"stage_2"}).report), (Names{"meta", "stage_2", "phase meta", "phase incubation"}));
  EXPECT_EQ(plan({}, {"stage_2"}).report.find_method("end to end"), nullptr);
}

TEST(PlanReport, GpusArePlannedForIfTheyAreToBeUsed) {
  Planned planned = plan({});
  EXPECT_FALSE(planned.report.is_on_gpus);
  for (const TrainingCost& cost : planned.report.trainings) EXPECT_FALSE(cost.gpu);
  planned.config.run.device = DeviceChoice::cuda;
  const PlanReport report = make_plan_report(planned.config, planned.trainings, kNumImages, {});
  EXPECT_TRUE(report.is_on_gpus);
  for (const TrainingCost& cost : report.trainings) {
    ASSERT_TRUE(cost.gpu);
    EXPECT_EQ(cost.gpu->micro, 4);
    EXPECT_EQ(cost.gpu->largest_micro.back().kept, 4);
    EXPECT_EQ(cost.gpu->kept.tensors.weights, cost.memory.weights);
  }
}

TEST(PlanReport, GrowingCostsTheMetaModelToo) {
  const Planned planned = plan({.num_ranks = 2, .rank_flops_per_s = 1e6, .round_cost_s = 2}, {"grown"});
  const MethodForecast& grown = *planned.report.find_method("grown from the meta model");
  const std::vector<PhasePlan>& phases = planned.report.phases;
  EXPECT_DOUBLE_EQ(grown.predicted_s, phases[0].forecast.predicted_s + phases[1].forecast.predicted_s);
  EXPECT_EQ(grown.block_flops, planned.report.trainings[0].block_flops + planned.report.trainings[1].block_flops);
}

TEST(PlanReport, ReductionsTakeTheirTime) {
  const Machine fast{.num_ranks = 2, .rank_flops_per_s = 1e6};
  Machine slow = fast;
  slow.network_bytes_per_s = 1e3;
  const MethodForecast without = *plan(fast).report.find_method("end to end");
  const Planned with = plan(slow);
  const Training& training = *std::ranges::find(with.trainings, "end_to_end", &Training::name);
  const std::int64_t bytes = 8 * num_parameters(training);
  EXPECT_DOUBLE_EQ(with.report.find_method("end to end")->predicted_s - without.predicted_s,
                   30 * static_cast<double>(bytes) / 1e3);
  EXPECT_DOUBLE_EQ(with.report.find_method("end to end")->reduced_bytes, 30 * static_cast<double>(bytes));
}

TEST(PlanReport, MethodsAreForecastWithBothKindsOfSums) {
  Planned planned = plan({.num_ranks = 2, .rank_flops_per_s = 1e6, .network_bytes_per_s = 1e3});
  EXPECT_EQ(planned.report.sums, Sums::exact);
  EXPECT_EQ(planned.report.other_sums(), Sums::fast);
  planned.config.run.sums = SumsChoice::fast;
  const PlanReport fast = make_plan_report(planned.config, planned.trainings, kNumImages, planned.report.machine);
  EXPECT_EQ(fast.sums, Sums::fast);
  ASSERT_EQ(fast.methods.size(), 2U);
  for (std::size_t i = 0; i < fast.methods.size(); ++i) {
    EXPECT_EQ(planned.report.methods_with_other_sums[i].predicted_s, fast.methods[i].predicted_s);
    EXPECT_EQ(fast.methods_with_other_sums[i].predicted_s, planned.report.methods[i].predicted_s);
    EXPECT_LT(fast.methods[i].predicted_s, planned.report.methods[i].predicted_s);
  }
}

TEST(PlanReport, CriticalPathIsOneMicroBatchAStep) {
  const PlanReport report = plan({.num_ranks = 1, .rank_flops_per_s = 1e6, .round_cost_s = 9}).report;
  EXPECT_DOUBLE_EQ(report.find_method("end to end")->critical_path_s,
                   report.find_method("end to end")->block_flops / 1e6 / 4);
  double sum = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    sum += *std::ranges::max_element(report.phases[i].work.block_flops) / 1e6 / 4;
  }
  EXPECT_DOUBLE_EQ(report.find_method("Deep Incubation")->critical_path_s, sum);
}

TEST(PlanReport, ReducedBytesOfTheCriticalPathCountTheLargestStageOnce) {
  const Planned planned = plan({});
  double expected = 0;
  for (const std::string name : {"meta", "stage_0", "finetuned"}) {  // stage 0 has the most parameters
    expected +=
        30 * 8 *
        static_cast<double>(num_learning_parameters(*std::ranges::find(planned.trainings, name, &Training::name)));
  }
  EXPECT_DOUBLE_EQ(planned.report.find_method("Deep Incubation")->reduced_bytes_critical_path, expected);
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
      if (plan(machine).report.find_method("Deep Incubation")->efficiency() >= 0.7) largest = n;
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
