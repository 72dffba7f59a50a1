#include "report/summary.h"

#include <fstream>
#include <regex>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/temporary_directory.h"

namespace incubate {
namespace {

TrainingSummary done(const std::string& name, const std::string& phase, double flops, double elapsed_s, double rank_s) {
  TrainingSummary training;
  training.name = name;
  training.phase = phase;
  training.state = TrainingState::done;
  training.step = training.total_steps = 10;
  training.num_ranks = 2;
  training.evaluation = {.loss = elapsed_s / 10, .top1 = elapsed_s / 100, .top5 = elapsed_s / 50};
  training.block_flops = flops;
  training.elapsed_s = elapsed_s;
  training.rank_s = rank_s;
  return training;
}

/// Two incubations at the same time, then finetuning; the baseline last.
RunSummary example() {
  RunSummary summary;
  summary.num_ranks = 4;
  summary.trainings = {done("meta", "meta", 1, 10, 40), done("stage_0", "incubation", 2, 20, 41),
                       done("stage_1", "incubation", 4, 30, 62), done("finetuned", "finetuning", 8, 5, 20),
                       done("end_to_end", "end_to_end", 16, 50, 200)};
  summary.rounds = {{"meta", {"meta"}, 4, "2026-01-31T12:00:00Z", 11},
                    {"incubation", {"stage_0", "stage_1"}, 4, "2026-01-31T12:01:00Z", 33},
                    {"finetuning", {"finetuned"}, 4, "2026-01-31T12:02:00Z", 6},
                    {"end_to_end", {"end_to_end"}, 4, "2026-01-31T12:03:00Z", 52}};
  return summary;
}

TEST(Summary, DeepIncubationIsTheSumOfItsTrainings) {
  const std::vector<ResultRow> rows = example().results();
  ASSERT_EQ(rows.size(), 3);
  const ResultRow& row = rows[0];
  EXPECT_EQ(row.method, "Deep Incubation");
  EXPECT_EQ(row.evaluation.top1, 0.05);  // the finetuned network's
  EXPECT_EQ(row.evaluation.loss, 0.5);
  EXPECT_EQ(row.cost.block_flops, 1 + 2 + 4 + 8);
  EXPECT_EQ(row.cost.rank_s, 40 + 41 + 62 + 20);
  EXPECT_EQ(row.cost.wall_s, 11 + 33 + 6);
  EXPECT_EQ(row.cost.critical_path_s, 10 + 30 + 5);  // the longer incubation
}

TEST(Summary, BaselineAndMetaModelStandForThemselves) {
  const std::vector<ResultRow> rows = example().results();
  ASSERT_EQ(rows.size(), 3);
  EXPECT_EQ(rows[1].method, "end to end");
  EXPECT_EQ(rows[1].cost.block_flops, 16);
  EXPECT_EQ(rows[1].cost.rank_s, 200);
  EXPECT_EQ(rows[1].cost.wall_s, 52);
  EXPECT_EQ(rows[1].cost.critical_path_s, 50);
  EXPECT_EQ(rows[2].method, "meta model alone");
  EXPECT_EQ(rows[2].evaluation.top1, 0.1);
  EXPECT_EQ(rows[2].cost.block_flops, 1);
  EXPECT_EQ(rows[2].cost.wall_s, 11);
}

TEST(Summary, OnlyWhatIsDoneIsAResult) {
  RunSummary summary = example();
  summary.training("finetuned").state = TrainingState::running;
  summary.training("end_to_end").state = TrainingState::waiting;
  ASSERT_EQ(summary.results().size(), 1);
  EXPECT_EQ(summary.results()[0].method, "meta model alone");
  EXPECT_TRUE(RunSummary().results().empty());
}

TEST(Summary, UnknownTrainingsAreABug) { EXPECT_THROW(example().training("stage_9"), std::logic_error); }

TEST(Summary, FileIsJsonWithTheDocumentedKeys) {
  const TemporaryDirectory directory;
  RunSummary summary = example();
  summary.state = "done";
  summary.reason = "every training is done";
  summary.training("stage_1").state = TrainingState::running;
  summary.save(directory / "summary.json");
  std::ifstream file(directory / "summary.json");
  const nlohmann::json j = nlohmann::json::parse(file);
  EXPECT_EQ(j.at("state"), "done");
  EXPECT_EQ(j.at("reason"), "every training is done");
  EXPECT_EQ(j.at("num_ranks"), 4);
  EXPECT_TRUE(std::regex_match(j.at("updated").get<std::string>(), std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)")));
  ASSERT_EQ(j.at("trainings").size(), 5);
  EXPECT_EQ(j["trainings"][0].at("name"), "meta");
  EXPECT_EQ(j["trainings"][0].at("state"), "done");
  EXPECT_EQ(j["trainings"][0].at("top1"), 0.1);
  EXPECT_EQ(j["trainings"][0].at("rank_s"), 40);
  EXPECT_EQ(j["trainings"][2].at("state"), "running");
  EXPECT_FALSE(j["trainings"][2].contains("top1"));
  ASSERT_EQ(j.at("results").size(), 3);
  EXPECT_EQ(j["results"][0].at("method"), "Deep Incubation");
  EXPECT_EQ(j["results"][0].at("critical_path_s"), 45);
}

TEST(Summary, RoundsComeBackFromTheFile) {
  const TemporaryDirectory directory;
  example().save(directory / "summary.json");
  const std::vector<RoundSummary> rounds = RunSummary::load_rounds(directory / "summary.json");
  ASSERT_EQ(rounds.size(), 4);
  EXPECT_EQ(rounds[1].phase, "incubation");
  EXPECT_EQ(rounds[1].trainings, (std::vector<std::string>{"stage_0", "stage_1"}));
  EXPECT_EQ(rounds[1].num_ranks, 4);
  EXPECT_EQ(rounds[1].began, "2026-01-31T12:01:00Z");
  EXPECT_EQ(rounds[1].elapsed_s, 33);
}

TEST(Summary, AMissingOrUnreadableFileHasNoRounds) {
  const TemporaryDirectory directory;
  EXPECT_TRUE(RunSummary::load_rounds(directory / "none.json").empty());
  std::ofstream(directory / "bad.json") << R"({"rounds": [{"phase": "meta"}]})";
  EXPECT_TRUE(RunSummary::load_rounds(directory / "bad.json").empty());
}

TEST(Summary, TableHasARowAMethod) {
  ResultRow row{.method = "Deep Incubation",
                .evaluation = {.loss = 0.51234, .top1 = 0.8765, .top5 = 0.99},
                .cost = {.block_flops = 1.5e15, .rank_s = 7200, .wall_s = 3723, .critical_path_s = 61}};
  EXPECT_EQ(format_results({row}),
            "method              top-1  test loss  block FLOPs  rank-hours  wall-clock  critical path\n"
            "Deep Incubation    87.65%     0.5123    1.500e+15      2.0000     1:02:03           1:01\n");
}

}  // namespace
}  // namespace incubate
