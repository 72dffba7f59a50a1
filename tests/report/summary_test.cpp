#include "report/summary.h"

#include <chrono>
#include <cmath>
#include <fstream>
#include <limits>
#include <regex>
#include <thread>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "config/method_table.h"
#include "hdf5/atomic_file.h"
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
  training.evaluation = {{"loss", elapsed_s / 10}, {"top1", elapsed_s / 100}, {"top5", elapsed_s / 50}};
  training.block_flops = flops;
  training.elapsed_s = elapsed_s;
  training.rank_s = rank_s;
  return training;
}

const std::vector<MetricInfo> kMetrics = {
    {"top1", "top-1", "%"}, {"top5", "top-5", "%"}, {"loss", "loss", "nats", false}};

constexpr double kStart_s = 1769860800;  // 2026-01-31T12:00:00Z

RoundSummary make_round(const std::string& job, const std::string& phase, double began_s, double elapsed_s) {
  return {.phase = phase,
          .trainings = {phase},
          .num_ranks = 4,
          .job = job,
          .began_s = kStart_s + began_s,
          .elapsed_s = elapsed_s,
          .idle = 0.25};
}

/// Returns two concurrent incubations, then finetuning, then the baseline.
RunSummary example_summary() {
  RunSummary summary;
  summary.own().num_ranks = 4;
  summary.trainings = {done("meta", "meta", 1, 10, 40), done("stage_0", "incubation", 2, 20, 41),
                       done("stage_1", "incubation", 4, 30, 62), done("finetuned", "finetuning", 8, 5, 20),
                       done("end_to_end", "end_to_end", 16, 50, 200)};
  summary.rounds = {make_round("all", "meta", 0, 11), make_round("all", "incubation", 60, 33),
                    make_round("all", "finetuning", 120, 6), make_round("all", "end_to_end", 180, 52)};
  return summary;
}

/// Returns job `job` at its start: nothing is done, it runs the training of its name.
RunSummary make_job(const std::string& job) {
  RunSummary summary;
  summary.job = job;
  summary.own().num_ranks = 1;
  for (const char* name : {"stage_0", "stage_1", "stage_2", "stage_3"}) {
    TrainingSummary training;
    training.name = name;
    training.phase = "incubation";
    training.is_own = job == "all" || job == name;
    summary.trainings.push_back(training);
  }
  return summary;
}

nlohmann::json read_json(const FilePath& path) { return nlohmann::json::parse(read_text(path)); }

/// Returns "JOB@START" of each round, in order.
std::vector<std::string> names_of(const std::vector<RoundSummary>& rounds) {
  std::vector<std::string> names;
  names.reserve(rounds.size());
  for (const RoundSummary& r : rounds) names.push_back(r.job + "@" + std::to_string(std::lround(r.began_s - kStart_s)));
  return names;
}
using Names = std::vector<std::string>;

TEST(Summary, DeepIncubationIsTheSumOfItsTrainings) {
  const std::vector<ResultRow> rows = example_summary().results();
  ASSERT_EQ(rows.size(), 3);
  const ResultRow& row = rows[0];
  EXPECT_EQ(row.method, "Deep Incubation");
  EXPECT_EQ(row.evaluation.at("top1"), 0.05);  // the finetuned network's
  EXPECT_EQ(row.evaluation.at("loss"), 0.5);
  EXPECT_EQ(row.cost.block_flops, 1 + 2 + 4 + 8);
  EXPECT_EQ(row.cost.rank_s, 40 + 41 + 62 + 20);
  EXPECT_EQ(row.cost.wall_s, 11 + 33 + 6);
  EXPECT_EQ(row.cost.critical_path_s, 10 + 30 + 5);  // the longer incubation
}

TEST(Summary, BaselineAndMetaModelStandForThemselves) {
  const std::vector<ResultRow> rows = example_summary().results();
  ASSERT_EQ(rows.size(), 3);
  EXPECT_EQ(rows[1].method, "end to end");
  EXPECT_EQ(rows[1].cost.block_flops, 16);
  EXPECT_EQ(rows[1].cost.rank_s, 200);
  EXPECT_EQ(rows[1].cost.wall_s, 52);
  EXPECT_EQ(rows[1].cost.critical_path_s, 50);
  EXPECT_EQ(rows[2].method, "meta model alone");
  EXPECT_EQ(rows[2].evaluation.at("top1"), 0.1);
  EXPECT_EQ(rows[2].cost.block_flops, 1);
  EXPECT_EQ(rows[2].cost.wall_s, 11);
}

TEST(Summary, ControlsCostWhatTheyNeed) {
  RunSummary summary = example_summary();
  summary.trainings.push_back(done("grown", "grown", 32, 70, 300));
  summary.trainings.push_back(done("shallow", "shallow", 64, 80, 400));
  summary.rounds.push_back(make_round("all", "grown", 240, 71));
  summary.rounds.push_back(make_round("all", "shallow", 320, 82));
  const std::vector<ResultRow> rows = summary.results();
  ASSERT_EQ(rows.size(), 5);
  EXPECT_EQ(rows[0].cost.block_flops, 1 + 2 + 4 + 8);  // Deep Incubation's, as before
  EXPECT_EQ(rows[2].method, "grown from the meta model");
  EXPECT_EQ(rows[2].evaluation.at("top1"), summary.training("grown").evaluation["top1"]);
  EXPECT_EQ(rows[2].cost.block_flops, 1 + 32);
  EXPECT_EQ(rows[2].cost.rank_s, 40 + 300);
  EXPECT_EQ(rows[2].cost.wall_s, 11 + 71);
  EXPECT_EQ(rows[2].cost.critical_path_s, 10 + 70);
  EXPECT_EQ(rows[3].method, "shallow for the whole budget");
  EXPECT_EQ(rows[3].cost.block_flops, 64);
  EXPECT_EQ(rows[3].cost.wall_s, 82);
  EXPECT_EQ(rows[4].method, "meta model alone");
}

TEST(Summary, WhatIsNotChosenIsLeftOutUntilItHasBegun) {
  const TemporaryDirectory directory;
  RunSummary summary = example_summary();
  for (const char* name : {"stage_1", "end_to_end"}) {
    summary.training(name).is_chosen = false;
    summary.training(name).is_own = false;
  }
  summary.training("end_to_end").state = TrainingState::waiting;
  summary.save(directory / "summary.json");
  const nlohmann::json file = read_json(directory / "summary.json");
  Names names;
  for (const auto& training : file.at("trainings")) names.push_back(training.at("name"));
  EXPECT_EQ(names, (Names{"meta", "stage_0", "stage_1", "finetuned"}));
}

TEST(Summary, TableHasRoomForTheLongestName) {
  const ResultRow row{
      .method = "shallow for the whole budget", .evaluation = {{"loss", 0.5}, {"top1", 0.25}}, .cost = {}};
  const std::string table = format_results(kMetrics, {row});
  EXPECT_EQ(table.substr(0, 67), "method                         top-1         top-5  validation loss");
  EXPECT_EQ(table.substr(table.find('\n') + 1, 67),
            "shallow for the whole budget  25.00% not evaluated           0.5000");
}

TEST(Summary, OnlyWhatIsDoneIsAResult) {
  RunSummary summary = example_summary();
  summary.training("finetuned").state = TrainingState::running;
  summary.training("end_to_end").state = TrainingState::waiting;
  ASSERT_EQ(summary.results().size(), 1);
  EXPECT_EQ(summary.results()[0].method, "meta model alone");
  EXPECT_TRUE(RunSummary().results().empty());
}

TEST(Summary, UnknownTrainingsAreABug) { EXPECT_THROW(example_summary().training("stage_9"), std::logic_error); }

TEST(Summary, FileIsJsonWithTheDocumentedKeys) {
  const TemporaryDirectory directory;
  RunSummary summary = example_summary();
  summary.own().state = "done";
  summary.own().reason = "every training is done";
  summary.training("stage_1").state = TrainingState::running;
  summary.save(directory / "summary.json");
  const nlohmann::json j = read_json(directory / "summary.json");
  EXPECT_EQ(j.at("state"), "done");
  EXPECT_EQ(j.at("reason"), "every training is done");
  EXPECT_EQ(j.at("num_ranks"), 4);
  EXPECT_TRUE(std::regex_match(j.at("updated").get<std::string>(), std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)")));
  const nlohmann::json job = {{"state", "done"},
                              {"reason", "every training is done"},
                              {"num_ranks", 4},
                              {"arithmetic", nlohmann::json::array()},
                              {"updated", j["updated"]}};
  EXPECT_EQ(j.at("jobs"), nlohmann::json({{"all", job}}));
  ASSERT_EQ(j.at("rounds").size(), 4);
  const nlohmann::json round = {
      {"phase", "incubation"},           {"trainings", {"incubation"}}, {"num_ranks", 4},    {"job", "all"},
      {"began", "2026-01-31T12:01:00Z"}, {"began_s", kStart_s + 60},    {"elapsed_s", 33.0}, {"idle", 0.25}};
  EXPECT_EQ(j["rounds"][1], round);
  ASSERT_EQ(j.at("trainings").size(), 5);
  EXPECT_EQ(j["trainings"][0].at("name"), "meta");
  EXPECT_EQ(j["trainings"][0].at("state"), "done");
  EXPECT_EQ(j["trainings"][0].at("top1"), 0.1);
  EXPECT_EQ(j["trainings"][0].at("rank_s"), 40);
  EXPECT_EQ(j["trainings"][2].at("state"), "running");
  EXPECT_FALSE(j["trainings"][2].contains("top1"));
  EXPECT_FALSE(j["trainings"][2].contains("is_own"));
  ASSERT_EQ(j.at("results").size(), 3);
  EXPECT_EQ(j["results"][0].at("method"), "Deep Incubation");
  EXPECT_EQ(j["results"][0].at("critical_path_s"), 45);
  EXPECT_EQ(j["results"][0].at("top5"), 0.1);
  ASSERT_EQ(j.at("methods").size(), kMethodTable.size());
  const nlohmann::json method = {
      {"phase", "finetuning"},   {"training", "finetuned"}, {"title", "Deep Incubation"}, {"place", 1},
      {"section", "finetuning"}, {"network", "target"},     {"source", "incubation"},     {"matched", false},
      {"resampled", false}};
  EXPECT_EQ(j["methods"][2], method);
  EXPECT_EQ(j["methods"][0].at("source"), nullptr);
}

TEST(Summary, SavingLeavesNoOtherFile) {
  const TemporaryDirectory directory;
  example_summary().save(directory / "summary.json");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory.path()), {}), 1);
}

TEST(Summary, WallClockIsTheUnionOfTheRoundsTimes) {
  const auto wall_s = [](const std::vector<RoundSummary>& rounds) {
    RunSummary summary = example_summary();
    summary.rounds = rounds;
    return summary.results().at(0).cost.wall_s;
  };
  const RoundSummary first = make_round("stage_0", "incubation", 100, 10);
  EXPECT_EQ(wall_s({}), 0);
  EXPECT_EQ(wall_s({first}), 10);
  EXPECT_EQ(wall_s({first, make_round("stage_1", "incubation", 100, 10)}), 10);               // the same time
  EXPECT_EQ(wall_s({first, make_round("stage_1", "incubation", 104, 10)}), 14);               // overlap
  EXPECT_EQ(wall_s({make_round("stage_1", "incubation", 104, 10), first}), 14);               // in any order
  EXPECT_EQ(wall_s({first, make_round("stage_1", "incubation", 103, 4)}), 10);                // within
  EXPECT_EQ(wall_s({first, make_round("stage_1", "incubation", 110, 5)}), 15);                // one after the other
  EXPECT_EQ(wall_s({first, make_round("stage_1", "incubation", 150, 5)}), 15);                // a pause between
  EXPECT_EQ(wall_s({first, make_round("all", "end_to_end", 150, 5)}), 10);                    // another method's
  EXPECT_EQ(wall_s({make_round("a", "meta", 0, 100), first, make_round("b", "meta", 1, 9)}),  // within the first,
            110);                                                                             // not the one before
}

TEST(Summary, StateOfTheRunFollowsFromItsJobs) {
  const auto state_of = [](const Names& states) {
    RunSummary summary;
    for (const std::string& state : states) summary.jobs["job " + std::to_string(summary.jobs.size())].state = state;
    return summary.state();
  };
  const Names by_precedence = {"running", "failed", "lost", "stopped", "done"};
  for (std::size_t i = 0; i < by_precedence.size(); ++i) {
    EXPECT_EQ(state_of({by_precedence[i]}), by_precedence[i]);
    for (std::size_t k = 0; k < by_precedence.size(); ++k) {
      EXPECT_EQ(state_of({by_precedence[i], by_precedence[k]}), by_precedence[std::min(i, k)]);
    }
  }
  EXPECT_EQ(state_of({"done", "stopped", "failed", "running"}), "running");
}

TEST(Summary, JobsSavingInTurnKeepEachOthersEntries) {
  const TemporaryDirectory directory;
  const FilePath path = directory / "summary.json";
  RunSummary first = make_job("stage_0");
  RunSummary second = make_job("stage_1");
  first.rounds.push_back(make_round("stage_0", "incubation", 0, 10));
  first.training("stage_0").state = TrainingState::running;
  first.training("stage_0").step = 5;
  first.save(path);
  second.own().num_ranks = 2;
  second.rounds.push_back(make_round("stage_1", "incubation", 4, 10));
  second.training("stage_1").state = TrainingState::running;
  second.save(path);
  first.rounds.back().elapsed_s = 20;
  first.training("stage_0") = done("stage_0", "incubation", 2, 20, 41);
  first.own().state = "done";
  first.own().reason = "stage_0 is done";
  first.save(path);

  nlohmann::json j = read_json(path);
  EXPECT_EQ(j.at("state"), "running");
  EXPECT_EQ(j.at("reason"), "stage_0 is done");  // of the job that saved last
  EXPECT_EQ(j.at("num_ranks"), 1);
  EXPECT_EQ(j.at("jobs").at("stage_0").at("state"), "done");
  EXPECT_EQ(j.at("jobs").at("stage_1").at("state"), "running");
  EXPECT_EQ(j.at("jobs").at("stage_1").at("num_ranks"), 2);

  second.own().state = "failed";
  second.save(path);
  j = read_json(path);
  EXPECT_EQ(j.at("state"), "failed");
  EXPECT_EQ(j.at("num_ranks"), 2);
  ASSERT_EQ(j.at("rounds").size(), 2);
  EXPECT_EQ(j["rounds"][0].at("job"), "stage_0");
  EXPECT_EQ(j["rounds"][0].at("elapsed_s"), 20);
  EXPECT_EQ(j["trainings"][0].at("state"), "done");
  EXPECT_EQ(j["trainings"][0].at("top1"), 0.2);
  EXPECT_EQ(j["trainings"][1].at("state"), "running");
  EXPECT_EQ(j["trainings"][2].at("state"), "waiting");

  // The object that saved last knows it all, and still which trainings are its own.
  EXPECT_EQ(names_of(second.rounds), (Names{"stage_0@0", "stage_1@4"}));
  EXPECT_EQ(second.training("stage_0").evaluation["loss"], 2);
  EXPECT_FALSE(second.training("stage_0").is_own);
  EXPECT_TRUE(second.training("stage_1").is_own);
  EXPECT_EQ(second.jobs.at("stage_0").reason, "stage_0 is done");
}

TEST(Summary, AnotherJobThatHasNotSavedForMinutesIsLost) {
  const TemporaryDirectory directory;
  const FilePath path = directory / "summary.json";
  make_job("stage_0").save(path);
  nlohmann::json j = read_json(path);
  for (const double age_s : {250.0, 350.0}) {
    j["jobs"]["stage_0"]["updated"] = utc_text(unix_now_s() - age_s);
    replace_text_atomically(path, j.dump());
    RunSummary other = make_job("stage_1");
    other.own().state = "done";
    other.save(path);
    const nlohmann::json saved = read_json(path);
    EXPECT_EQ(saved["state"], age_s < 300 ? "running" : "lost");
    EXPECT_EQ(saved["jobs"]["stage_0"]["reason"],
              age_s < 300 ? "" : "last sign of life " + j["jobs"]["stage_0"]["updated"].get<std::string>());
  }
}

TEST(Summary, AReasonNeedNotBeUtf8) {
  const TemporaryDirectory directory;
  const FilePath path = directory / "summary.json";
  RunSummary summary = make_job("all");
  summary.own().reason = "m\xFCller/set.h5 is damaged";
  summary.save(path);
  EXPECT_EQ(read_json(path).at("reason"), "m\xEF\xBF\xBDller/set.h5 is damaged");
}

TEST(Summary, ResultsComeFromAllJobs) {
  const TemporaryDirectory directory;
  const FilePath path = directory / "summary.json";
  RunSummary meta = make_job("meta");
  meta.trainings = {done("meta", "meta", 1, 10, 40)};
  meta.rounds = {make_round("meta", "meta", 0, 11)};
  meta.save(path);
  RunSummary finetuned = make_job("finetuned");
  finetuned.trainings = {TrainingSummary(), done("finetuned", "finetuning", 8, 5, 20)};
  finetuned.trainings[0].name = "meta";
  finetuned.trainings[0].is_own = false;
  finetuned.rounds = {make_round("finetuned", "finetuning", 100, 6)};
  finetuned.save(path);
  const Cost cost = finetuned.results().at(0).cost;
  EXPECT_EQ(cost.block_flops, 1 + 8);
  EXPECT_EQ(cost.rank_s, 40 + 20);
  EXPECT_EQ(cost.wall_s, 11 + 6);
  EXPECT_EQ(read_json(path).at("results")[0].at("wall_s"), 11 + 6);
}

TEST(Summary, JobsSavingAtTheSameTimeLoseNothing) {
  constexpr int kNumSaves = 50;
  const TemporaryDirectory directory;
  const FilePath path = directory / "summary.json";
  const Names jobs = {"stage_0", "stage_1", "stage_2", "stage_3"};
  {
    std::vector<std::jthread> threads;
    for (const std::string& job : jobs) {
      threads.emplace_back([&path, job] {
        RunSummary summary = make_job(job);
        for (int i = 0; i < kNumSaves; ++i) {
          summary.rounds.push_back(make_round(job, "incubation", i, 1));  // jobs' rounds begin at the same times
          summary.training(job).step = i + 1;
          summary.own().num_ranks = i + 1;
          summary.save(path);
          EXPECT_EQ(names_of(summary.rounds).back(), job + "@" + std::to_string(i));
          std::this_thread::sleep_for(std::chrono::milliseconds(2));  // the lock is not fair: let the others have it
        }
        summary.own().state = "done";
        summary.save(path);
      });
    }
  }
  const nlohmann::json j = read_json(path);
  EXPECT_EQ(j.at("state"), "done");
  EXPECT_EQ(j.at("jobs").size(), jobs.size());
  std::map<std::pair<std::string, double>, int> num_found;
  for (const nlohmann::json& round : j.at("rounds")) ++num_found[{round.at("job"), round.at("began_s")}];
  EXPECT_EQ(num_found.size(), jobs.size() * kNumSaves);
  for (std::size_t k = 0; k < jobs.size(); ++k) {
    EXPECT_EQ(j.at("jobs").at(jobs[k]).at("num_ranks"), kNumSaves);
    EXPECT_EQ(j.at("trainings")[k].at("step"), kNumSaves);
    for (int i = 0; i < kNumSaves; ++i) EXPECT_EQ((num_found[{jobs[k], kStart_s + i}]), 1) << jobs[k] << "@" << i;
  }
}

TEST(Summary, AJobStartedAgainGetsItsRoundsBackOnce) {
  const TemporaryDirectory directory;
  const FilePath path = directory / "summary.json";
  for (const std::string job : {"stage_0", "all"}) {
    RunSummary first = make_job(job);
    first.rounds = {make_round(job, "incubation", 0.123456789, 10)};
    first.save(path);
  }
  RunSummary again = make_job("stage_0");
  again.save(path);
  EXPECT_EQ(names_of(again.rounds), (Names{"stage_0@0", "all@0"}));
  again.rounds.push_back(make_round("stage_0", "incubation", 50, 1));
  again.save(path);
  again.rounds.back().elapsed_s = 7;  // the one at work stays last
  again.save(path);
  const nlohmann::json rounds = read_json(path).at("rounds");
  ASSERT_EQ(rounds.size(), 3);
  EXPECT_EQ(rounds[0].at("began_s"), kStart_s + 0.123456789);
  EXPECT_EQ(rounds[2].at("elapsed_s"), 7);
}

TEST(Summary, TheWholeMethodForgetsEarlierJobsButNotTheirRounds) {
  const TemporaryDirectory directory;
  const FilePath path = directory / "summary.json";
  RunSummary only = make_job("stage_0");
  only.rounds = {make_round("stage_0", "incubation", 0, 10)};
  only.save(path);  // and is killed: running for ever
  RunSummary all = make_job("all");
  all.save(path);
  EXPECT_EQ(read_json(path).at("jobs").size(), 1);
  EXPECT_TRUE(read_json(path).at("jobs").contains("all"));
  EXPECT_EQ(names_of(all.rounds), Names{"stage_0@0"});
  RunSummary later = make_job("stage_1");
  later.save(path);
  all.own().state = "done";
  all.save(path);
  EXPECT_EQ(all.jobs.size(), 2);  // one of the same time is no earlier one
  later.save(path);
  EXPECT_EQ(read_json(path).at("jobs").at("all").at("state"), "done");
}

TEST(Summary, RoundsThatAnotherJobOverwroteComeBack) {
  const TemporaryDirectory directory;
  const FilePath path = directory / "summary.json";
  RunSummary first = make_job("stage_0");
  first.rounds = {make_round("stage_0", "incubation", 0, 10)};
  first.save(path);
  RunSummary second = make_job("stage_1");
  second.save(path);
  make_job("stage_2").save(directory / "other.json");  // as if it had read before the first one wrote
  std::filesystem::rename(directory / "other.json", path);
  second.save(path);
  EXPECT_EQ(read_json(path).at("rounds").size(), 1);
  EXPECT_EQ(names_of(second.rounds), Names{"stage_0@0"});
}

TEST(Summary, WhatIsKnownToBeDoneStaysDone) {
  const TemporaryDirectory directory;
  const FilePath path = directory / "summary.json";
  RunSummary killed = make_job("stage_0");
  killed.training("stage_0").state = TrainingState::running;
  killed.save(path);
  RunSummary other = make_job("stage_1");
  other.training("stage_0") = done("stage_0", "incubation", 2, 20, 41);  // from the finished weights' file
  other.training("stage_0").is_own = false;
  other.save(path);
  EXPECT_EQ(other.training("stage_0").state, TrainingState::done);
  EXPECT_EQ(read_json(path).at("trainings")[0].at("state"), "done");
}

TEST(Summary, FiguresThatAreNotNumbersDoNotHideTheFile) {
  const TemporaryDirectory directory;
  const FilePath path = directory / "summary.json";
  RunSummary first = make_job("stage_0");
  first.training("stage_0") = done("stage_0", "incubation", 2, 20, 41);
  first.training("stage_0").evaluation["loss"] = std::numeric_limits<double>::quiet_NaN();
  first.save(path);
  RunSummary second = make_job("stage_1");
  second.save(path);
  EXPECT_EQ(second.training("stage_0").state, TrainingState::done);
  EXPECT_TRUE(std::isnan(second.training("stage_0").evaluation["loss"]));
}

TEST(Summary, WhatWasNotEvaluatedAndWhatIsNotFiniteStayTold) {
  const TemporaryDirectory directory;
  const FilePath path = directory / "summary.json";
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  RunSummary first = example_summary();
  TrainingSummary& imported = first.training("meta");
  imported.evaluation = {{"loss", kNone}, {"top1", kNone}, {"top5", kNone}};
  imported.block_flops = imported.elapsed_s = imported.rank_s = kNone;
  first.training("end_to_end").evaluation = {{"loss", HUGE_VAL}, {"top1", HUGE_VAL}, {"top5", HUGE_VAL}};
  first.save(path);
  const nlohmann::json file = read_json(path);
  EXPECT_TRUE(file.at("trainings")[0].at("top1").is_null());
  EXPECT_TRUE(file.at("trainings")[0].at("block_flops").is_null());
  EXPECT_EQ(file.at("trainings")[0].at("evaluation"), "not evaluated");
  EXPECT_EQ(file.at("trainings")[4].at("evaluation"), "not finite");
  EXPECT_FALSE(file.at("trainings")[1].contains("evaluation"));

  const std::optional<RunSummary> read = RunSummary::load(path);
  ASSERT_TRUE(read);
  const std::string table = format_results(kMetrics, read->results());
  const auto row_of_table = [&table](const std::string& method) {
    const std::size_t begin = table.find(method);
    return table.substr(begin, table.find('\n', begin) - begin);
  };
  EXPECT_EQ(
      row_of_table("meta model alone"),
      "meta model alone  not evaluated not evaluated    not evaluated      unknown     unknown           -          "
      "    -");
  EXPECT_TRUE(row_of_table("end to end").find(" not finite    not finite       not finite ") != std::string::npos)
      << table;
  // A training that begins with imported weights has an unknown cost.
  EXPECT_TRUE(row_of_table("Deep Incubation").ends_with(" unknown     unknown           -              -")) << table;
}

TEST(Summary, WeightsThatWereNotEvaluatedBeatWhatAnOlderProgramWroteOfThem) {
  const TemporaryDirectory directory;
  const FilePath path = directory / "summary.json";
  RunSummary old = example_summary();
  old.training("meta").evaluation = {{"loss", 0}, {"top1", 0}};
  old.save(path);
  RunSummary summary = example_summary();
  summary.training("meta").is_own = false;
  summary.training("meta").evaluation = {{"loss", std::nan("")}, {"top1", std::nan("")}};
  summary.take_over(path);
  EXPECT_TRUE(std::isnan(summary.training("meta").evaluation.at("top1")));
}

TEST(Summary, AMissingUnreadableOrOlderFileAddsNothing) {
  const TemporaryDirectory directory;
  const FilePath path = directory / "summary.json";
  RunSummary summary = make_job("stage_0");
  RunSummary other = make_job("stage_1");
  other.rounds = {make_round("stage_1", "incubation", 0, 10)};
  other.save(path);
  summary.save(path);
  for (const char* text : {"", "not JSON", "[1]", "{}", R"({"jobs": {"meta": 1}, "trainings": [], "rounds": []})",
                           R"({"jobs": {}, "trainings": [], "rounds": [{"phase": "meta", "began": "2026"}]})"}) {
    std::ofstream(path) << text;
    summary.save(path);
    EXPECT_EQ(read_json(path).at("rounds").size(), 1) << text;  // what it knew of the others is kept
    EXPECT_EQ(read_json(path).at("jobs").size(), 2) << text;
  }
}

/// Otherwise the next save could not write them, or would sort values without an order.
TEST(Summary, AFileWithImpossibleFiguresAddsNothing) {
  const TemporaryDirectory directory;
  const FilePath path = directory / "summary.json";
  RunSummary other = make_job("stage_1");
  other.rounds = {make_round("stage_1", "incubation", 0, 10)};
  other.save(path);
  const nlohmann::json good = read_json(path);
  const auto try_with = [&](const std::string& place, const nlohmann::json& value) {
    nlohmann::json bad = good;
    bad[nlohmann::json::json_pointer(place)] = value;
    std::ofstream(path) << bad;
    RunSummary summary = make_job("stage_0");
    EXPECT_NO_THROW(summary.save(path)) << place << "=" << value;
    EXPECT_EQ(read_json(path).at("rounds").size(), 0) << place << "=" << value;
  };
  for (const nlohmann::json& value : {nlohmann::json(1e300), nlohmann::json(-1), nlohmann::json()}) {
    try_with("/rounds/0/began_s", value);
    try_with("/rounds/0/elapsed_s", value);
    try_with("/rounds/0/num_ranks", value);
    try_with("/trainings/0/step", value);
    try_with("/jobs/stage_1/num_ranks", value);
  }
  RunSummary summary = make_job("stage_0");
  std::ofstream(path) << good;
  summary.save(path);
  EXPECT_EQ(read_json(path).at("rounds").size(), 1);
}

TEST(Summary, TimesAreWrittenInUtc) {
  EXPECT_EQ(utc_text(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(utc_text(kStart_s + 59.9), "2026-01-31T12:00:59Z");
}

TEST(Summary, TableHasARowAMethod) {
  ResultRow row{.method = "Deep Incubation",
                .evaluation = {{"loss", 0.51234}, {"top1", 0.8765}, {"top5", 0.99}},
                .cost = {.block_flops = 1.5e15, .rank_s = 7200, .wall_s = 3723, .critical_path_s = 61}};
  EXPECT_EQ(format_results(kMetrics, {row}),
            "method              top-1   top-5  validation loss  block FLOPs  rank-hours  wall-clock  critical path\n"
            "Deep Incubation    87.65%  99.00%           0.5123    1.500e+15      2.0000     1:02:03           1:01\n");
}

}  // namespace
}  // namespace incubate
