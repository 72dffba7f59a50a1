#include "run/run_recorder.h"

#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "hdf5/atomic_file.h"
#include "support/temporary_directory.h"
#include "support/thrown_message.h"
#include "support/tiny_model.h"

namespace incubate {
namespace {

class RunRecorderTest : public testing::Test {
 protected:
  RunRecorderTest() {
    config_.model = tiny_model_config();
    config_.batch.global = 20;
    config_.run.progress = ProgressStyle::none;
    trainings_ = list_trainings(
        config_,
        {.num_train = 100, .height = 8, .width = 8, .channels = 1, .class_names = {"a", "b", "c"}, .digest = "0123"});
    run_.create();
    log_.attach_file(run_.log());
  }

  RunRecorder make() { return {config_, run_, trainings_, metrics_, 100, 4, log_}; }
  /// Returns a round in which each training has its own rank.
  static RoundPlan round_of(const std::vector<std::int64_t>& trainings) {
    RoundPlan plan;
    for (const std::int64_t i : trainings) {
      const auto rank = static_cast<std::int64_t>(plan.groups.size());
      plan.groups.push_back({.first_rank = rank, .num_ranks = 1, .assignments = {{i, 10}}});
    }
    return plan;
  }
  static void report(RunRecorder& recorder, const StatusReport& report) {
    recorder.on_report(std::as_bytes(std::span(&report, 1)));
  }
  nlohmann::json summary() const { return nlohmann::json::parse(read_text(run_.summary())); }

  TemporaryDirectory directory_;
  RunConfig config_;
  RunDirectory run_{directory_.path()};
  std::vector<Training> trainings_;
  std::vector<MetricInfo> metrics_ = {{"top1", "top-1", "%"}, {"loss", "loss", "nats", false}};
  Log log_{Log::Level::everything, [](const std::string&) {}};
};

TEST_F(RunRecorderTest, TrainingsWaitRunAndAreDone) {
  RunRecorder recorder = make();
  recorder.begin_round("incubation", round_of({1, 2}));
  EXPECT_EQ(summary().at("state"), "running");
  EXPECT_EQ(summary().at("trainings")[0].at("state"), "waiting");
  EXPECT_EQ(summary().at("trainings")[1].at("state"), "running");
  EXPECT_EQ(summary().at("rounds")[0].at("trainings"), (std::vector<std::string>{"stage_0", "stage_1"}));
  report(recorder, {.event = StatusReport::Event::done,
                    .training = 1,
                    .num_ranks = 2,
                    .step = 500,
                    .elapsed_s = 10,
                    .rank_s = 20,
                    .evaluation = {0.5, 1.25}});
  const nlohmann::json stage = summary().at("trainings")[1];
  EXPECT_EQ(stage.at("state"), "done");
  EXPECT_EQ(stage.at("step"), 500);
  EXPECT_EQ(stage.at("num_ranks"), 2);
  EXPECT_EQ(stage.at("top1"), 0.5);
  EXPECT_EQ(stage.at("loss"), 1.25);
  EXPECT_EQ(stage.at("rank_s"), 20);
  EXPECT_EQ(stage.at("block_flops"), trainings_[1].block_flops_per_image * 20 * 500);
  recorder.end_round(0);
  recorder.end_run("done", "every training is done");
  EXPECT_EQ(summary().at("state"), "done");
  EXPECT_EQ(summary().at("reason"), "every training is done");
  EXPECT_NE(
      read_text(run_.log()).find("stage_0 is done: top-1 50.00%, validation loss 1.2500, 500 steps in 0:10 on 2 ranks"),
      std::string::npos);
}

TEST_F(RunRecorderTest, RoundsOfEarlierRunsAreKept) {
  {
    RunRecorder recorder = make();
    recorder.begin_round("meta", round_of({0}));
    recorder.end_round(0);
  }
  RunRecorder recorder = make();
  recorder.begin_round("finetuning", round_of({4}));
  ASSERT_EQ(summary().at("rounds").size(), 2);
  EXPECT_EQ(summary().at("rounds")[0].at("phase"), "meta");
  EXPECT_EQ(summary().at("rounds")[1].at("phase"), "finetuning");
}

TEST_F(RunRecorderTest, IdleTimeOfARoundIsWhatItsGroupsDidNotUse) {
  RunRecorder recorder = make();
  recorder.begin_round("meta", round_of({0}));
  recorder.end_round(0);
  EXPECT_EQ(summary().at("rounds")[0].at("idle"), 1);
}

TEST_F(RunRecorderTest, GoingOnIsToldOnceAJob) {
  std::vector<std::string> lines;
  Log log(Log::Level::everything, [&lines](const std::string& line) { lines.push_back(line); });
  config_.run.progress = ProgressStyle::lines;
  RunRecorder recorder(config_, run_, trainings_, metrics_, 100, 4, log);
  log.set_print([&lines](const std::string& line) { lines.push_back(line); });
  const StatusReport going_on{.event = StatusReport::Event::resumed, .training = 1, .step = 3};
  report(recorder, going_on);
  report(recorder, going_on);  // the next round
  report(recorder, {.event = StatusReport::Event::paused, .training = 2, .step = 5});
  report(recorder, {.event = StatusReport::Event::resumed, .training = 2, .step = 5});  // begun by this job
  EXPECT_EQ(
      lines,
      (std::vector<std::string>{fmt::format("stage_0: continues after step 3 of {}", trainings_[1].total_steps)}));
}

TEST_F(RunRecorderTest, FinishedTrainingsBringTheirFigures) {
  RunRecorder recorder = make();
  recorder.add_finished(0, {{"top1", 0.5},
                            {"top5", 0.9},
                            {"loss", 1.5},
                            {"block_flops", 7},
                            {"elapsed_s", 8},
                            {"rank_s", 9},
                            {"num_ranks", 3}});
  ASSERT_EQ(recorder.results().size(), 1);
  const ResultRow row = recorder.results()[0];
  EXPECT_EQ(row.method, "meta model alone");
  EXPECT_EQ(row.evaluation.at("top1"), 0.5);
  EXPECT_EQ(row.evaluation.at("loss"), 1.5);
  EXPECT_EQ(row.cost.block_flops, 7);
  EXPECT_EQ(row.cost.rank_s, 9);
  EXPECT_EQ(row.cost.critical_path_s, 8);
}

TEST_F(RunRecorderTest, AFinishedRunHasTheSameResultsAgain) {
  config_.run.only = "meta";
  EXPECT_FALSE(RunRecorder::is_recorded(config_, run_, trainings_));
  std::vector<ResultRow> before;
  {
    RunRecorder recorder = make();
    recorder.begin_round("meta", round_of({0}));
    report(recorder,
           {.event = StatusReport::Event::done, .num_ranks = 4, .elapsed_s = 10, .rank_s = 40, .evaluation = {0.5}});
    recorder.end_round(0);
    EXPECT_FALSE(RunRecorder::is_recorded(config_, run_, trainings_));  // not that the job is done
    recorder.end_run("done", "meta is done");
    before = recorder.results();
  }
  EXPECT_TRUE(RunRecorder::is_recorded(config_, run_, trainings_));
  const std::string file = read_text(run_.summary());
  RunRecorder recorder = make();
  // As the weights have it, so without the time in which they were written.
  recorder.add_finished(0, {{"top1", 0.5}, {"elapsed_s", 9}, {"rank_s", 36}});
  ASSERT_EQ(before.size(), 1);
  EXPECT_GT(before[0].cost.wall_s, 0);
  const std::vector<ResultRow> after = recorder.results();
  ASSERT_EQ(after.size(), 1);
  EXPECT_EQ(after[0].cost.wall_s, before[0].cost.wall_s);
  EXPECT_EQ(after[0].cost.critical_path_s, before[0].cost.critical_path_s);
  EXPECT_EQ(after[0].cost.rank_s, before[0].cost.rank_s);
  EXPECT_EQ(read_text(run_.summary()), file);

  config_.run.only.clear();  // another job, with more to do
  EXPECT_FALSE(RunRecorder::is_recorded(config_, run_, trainings_));
}

TEST_F(RunRecorderTest, OfWeightsThatAreGoneTheSummaryIsLeft) {
  {
    RunRecorder recorder = make();
    recorder.begin_round("meta", round_of({0}));
    report(recorder, {.event = StatusReport::Event::done, .evaluation = {0.5}});
    recorder.end_run("done", "");
  }
  RunRecorder recorder = make();
  recorder.add_finished(0, {});
  ASSERT_EQ(recorder.results().size(), 1);
  EXPECT_EQ(recorder.results()[0].evaluation.at("top1"), 0.5);
}

TEST_F(RunRecorderTest, AFailureIsToldEvenWhereItCannotBeWrittenDown) {
  std::vector<std::string> lines;
  Log log(Log::Level::warnings_only, [](const std::string&) {});
  log.attach_file(run_.log());
  RunRecorder recorder(config_, run_, trainings_, metrics_, 100, 4, log);
  log.set_print([&lines](const std::string& line) { lines.push_back(line); });
  recorder.begin_round("meta", round_of({0}));
  std::filesystem::remove(run_.summary());
  std::filesystem::create_directories(run_.summary() / "in the way");
  StatusReport failed{.event = StatusReport::Event::failed};
  std::ranges::copy(std::string("disk full"), failed.text.begin());
  report(recorder, failed);
  ASSERT_EQ(lines.size(), 1);
  EXPECT_TRUE(lines[0].starts_with("warning: summary.json could not be written: ")) << lines[0];
  EXPECT_NE(read_text(run_.log()).find("failed: disk full"), std::string::npos);
  recorder.fail("a consequence");  // the first word counts
  EXPECT_EQ(lines.size(), 1);
}

TEST_F(RunRecorderTest, ReportsOfAnotherSizeAreABug) {
  RunRecorder recorder = make();
  const std::array<std::byte, 3> bytes{};
  EXPECT_EQ(thrown_message<std::runtime_error>([&] { recorder.on_report(bytes); }),
            "a status report has 3 bytes, not " + std::to_string(sizeof(StatusReport)));
}

}  // namespace
}  // namespace incubate
