#include "report/metrics_file.h"

#include <cmath>
#include <functional>

#include <gtest/gtest.h>

#include "hdf5/verified_file.h"
#include "support/temporary_directory.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

/// Returns ten steps in epochs of four; all numbers differ.
Metrics example_metrics() {
  Metrics metrics;
  metrics.infos = {{"right", "right answers", "%"}, {"error", "error", "pixels", false}};
  for (std::int64_t i = 0; i < 10; ++i) {
    const auto x = static_cast<double>(i);
    metrics.steps.push_back({i, x + 0.1, x + 0.2, x + 0.3, x + 0.4, x + 0.5, x + 0.6, x + 0.7, x + 0.8, x + 0.9});
  }
  for (std::int64_t done : {4, 8, 10}) {
    const auto x = static_cast<double>(100 * done);
    metrics.epochs.push_back(
        {done, x + 0.1, x + 0.2, x + 0.3, x + 0.4, 7 + done, {{"right", x + 0.5}, {"error", x + 0.6}}});
  }
  for (std::int64_t begin : {0, 5}) {
    const auto x = static_cast<double>(1000 * (begin + 1));
    metrics.rounds.push_back({x + 0.1, x + 0.2, begin, begin + 5, begin + 2, begin + 3, x + 0.3});
    metrics.checkpoints.push_back({begin + 4, x + 0.4, x + 0.5});
  }
  return metrics;
}

class MetricsFile : public testing::Test {
 protected:
  TemporaryDirectory directory_;
  FilePath path_ = directory_ / "metrics/meta.h5";
  void SetUp() override {
    std::filesystem::create_directory(directory_ / "metrics");
    example_metrics().save(path_, "meta");
  }
};

TEST_F(MetricsFile, RowsUpToTheStepComeBack) {
  // After 8 steps: steps 0 to 7 and the evaluations at 4 and 8.
  for (const auto [step, num_steps, num_epochs] :
       {std::array{10, 10, 3}, {9, 9, 2}, {8, 8, 2}, {7, 7, 1}, {3, 3, 0}, {0, 0, 0}}) {
    const Metrics metrics = Metrics::load(path_, step);
    ASSERT_EQ(metrics.steps.size(), num_steps) << step;
    ASSERT_EQ(metrics.epochs.size(), num_epochs) << step;
    for (int i = 0; i < num_steps; ++i) EXPECT_EQ(metrics.steps[i], example_metrics().steps[i]);
    for (int i = 0; i < num_epochs; ++i) EXPECT_EQ(metrics.epochs[i], example_metrics().epochs[i]);
  }
}

TEST_F(MetricsFile, RoundsAreCutWhereTheTrainingGoesOn) {
  const Metrics whole = Metrics::load(path_, 10);
  ASSERT_EQ(whole.rounds.size(), 2);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(whole.rounds[i], example_metrics().rounds[i]);
  const Metrics in_second_round = Metrics::load(path_, 7);
  ASSERT_EQ(in_second_round.rounds.size(), 2);
  EXPECT_EQ(in_second_round.rounds[1].last_step, 7);
  EXPECT_EQ(Metrics::load(path_, 5).rounds.size(), 1);
  EXPECT_EQ(Metrics::load(path_, 0).rounds.size(), 0);
}

TEST_F(MetricsFile, CheckpointsUpToTheStepComeBack) {
  const Metrics metrics = Metrics::load(path_, 9);
  ASSERT_EQ(metrics.checkpoints.size(), 2);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(metrics.checkpoints[i], example_metrics().checkpoints[i]);
  EXPECT_EQ(Metrics::load(path_, 8).checkpoints.size(), 1);
}

TEST_F(MetricsFile, NewerVersionsAreRefused) {
  EXPECT_NO_THROW(check_metrics_version(path_));
  EXPECT_NO_THROW(check_metrics_version(directory_ / "none.h5"));
  write_verified_file(path_, [](Hdf5File& file) { file.write_attribute("version", std::int64_t{7}); });
  const std::string message =
      path_.string() + " has version 7 of its format; this program reads 2 to 6. Use the program that wrote it.";
  EXPECT_EQ(thrown_message<InputError>([&] { check_metrics_version(path_); }), message);
  EXPECT_EQ(thrown_message<InputError>([&] { Metrics::load(path_, 10); }), message);
}

TEST_F(MetricsFile, NamesItsMetrics) {
  EXPECT_EQ(Metrics::load(path_, 0).infos, example_metrics().infos);
  const Hdf5File file = Hdf5File::open(path_);
  EXPECT_EQ(file.read_strings("/metrics/name"), (std::vector<std::string>{"right", "error"}));  // the first one decides
  EXPECT_EQ(file.read_strings("/metrics/title"), (std::vector<std::string>{"right answers", "error"}));
  EXPECT_EQ(file.read_strings("/metrics/unit"), (std::vector<std::string>{"%", "pixels"}));
  EXPECT_EQ(file.read<std::int64_t>("/metrics/higher_is_better"), (std::vector<std::int64_t>{1, 0}));
  EXPECT_EQ(file.read<double>("/epochs/error"), (std::vector<double>{400.6, 800.6, 1000.6}));
}

TEST_F(MetricsFile, AFigureThatAnEvaluationLacksIsNotANumber) {
  Metrics metrics = example_metrics();
  metrics.epochs[1].evaluation.erase("error");
  metrics.save(path_, "meta");
  EXPECT_TRUE(std::isnan(Metrics::load(path_, 10).epochs[1].evaluation.at("error")));
}

/// Writes a file of one step and one evaluation with these columns of figures, as an older program did.
void write_older(const FilePath& path, std::int64_t version, const std::vector<std::string>& step_columns) {
  write_verified_file(path, [&](Hdf5File& file) {
    file.write_attribute("version", version);
    file.write("/steps/step", std::vector<std::int64_t>{0});
    for (const std::string& name : step_columns) file.write("/steps/" + name, std::vector<double>{1.5});
    file.write("/epochs/step", std::vector<std::int64_t>{1});
    for (const char* name : {"epoch", "train_loss", "loss", "top1", "top5", "block_flops", "elapsed_s"}) {
      file.write(std::string("/epochs/") + name, std::vector<double>{name == std::string("top1") ? 0.25 : 2.5});
    }
    for (const char* name :
         {"/rounds/first_step", "/rounds/last_step", "/rounds/first_rank", "/rounds/num_ranks", "/checkpoints/step"}) {
      file.write(name, std::vector<std::int64_t>{});
    }
    for (const char* name : {"/rounds/began_s", "/rounds/ended_s", "/rounds/images_per_s", "/checkpoints/stall_s",
                             "/checkpoints/write_s"}) {
      file.write(name, std::vector<double>{});
    }
  });
}

TEST_F(MetricsFile, OlderVersionsKnewOfLess) {
  std::vector<std::string> columns = {"loss", "learning_rate", "gradient_norm", "images_per_s", "elapsed_s"};
  for (const std::int64_t version : {2, 3, 4}) {
    if (version == 3) columns.emplace_back("data_wait_s");
    if (version == 4) {
      columns.insert(columns.end(), {"communication_wait_s", "model_flops_utilisation", "memory_peak_bytes"});
    }
    write_older(path_, version, columns);
    const Metrics metrics = Metrics::load(path_, 10);
    ASSERT_EQ(metrics.steps.size(), 1);
    EXPECT_EQ(metrics.steps[0].elapsed_s, 1.5);
    EXPECT_EQ(metrics.steps[0].data_wait_s, version == 2 ? 0 : 1.5);
    EXPECT_EQ(std::isnan(metrics.steps[0].communication_wait_s), version < 4);
    EXPECT_EQ(std::isnan(metrics.steps[0].model_flops_utilisation), version < 4);
    EXPECT_EQ(std::isnan(metrics.steps[0].memory_peak_bytes), version < 4);
    ASSERT_EQ(metrics.infos.size(), 3);
    EXPECT_EQ(metrics.infos[0], (MetricInfo{"top1", "top-1", "%", true}));
    EXPECT_EQ(metrics.epochs.at(0).evaluation, (Figures{{"top1", 0.25}, {"top5", 2.5}, {"loss", 2.5}}));
  }
}

TEST_F(MetricsFile, ColumnsOfUnequalLengthAreRefused) {
  const Hdf5File whole = Hdf5File::open(path_);
  std::vector<std::string> columns;
  for (const std::string group : {"/steps", "/epochs", "/rounds", "/checkpoints"}) {
    for (const std::string& name : whole.list(group)) columns.push_back(group + "/" + name);
  }
  ASSERT_EQ(columns.size(), 28);
  for (const std::string& short_one : columns) {
    const FilePath path = directory_ / "short.h5";
    write_verified_file(path, [&](Hdf5File& file) {
      file.write_attribute("version", std::int64_t{6});
      file.write_strings("/metrics/name", {"right", "error"});
      file.write_strings("/metrics/title", {"right answers", "error"});
      file.write_strings("/metrics/unit", {"%", "pixels"});
      file.write("/metrics/higher_is_better", std::vector<std::int64_t>{1, 0});
      for (const std::string& name : columns) file.write(name, std::vector<double>(name == short_one ? 1 : 2));
    });
    const std::string message = thrown_message<InputError>([&] { Metrics::load(path, 10); });
    EXPECT_TRUE(message.starts_with(path.string() + ": cannot read '/")) << short_one << ": " << message;
    EXPECT_TRUE(message.find(" rows, other columns beside it ") != std::string::npos) << short_one << ": " << message;
  }
}

TEST_F(MetricsFile, IntactFilesWithOtherContentAreRefused) {
  write_verified_file(path_, [](Hdf5File& file) { file.write_attribute("other", std::int64_t{1}); });
  for (const auto& read :
       std::vector<std::function<void()>>{[&] { Metrics::load(path_, 1); }, [&] { check_metrics_version(path_); }}) {
    EXPECT_TRUE(thrown_message<InputError>(read).starts_with(path_.string() + ": cannot read attribute 'version' in "));
  }
}

TEST_F(MetricsFile, DamageIsNoReasonToRefuse) {
  std::filesystem::resize_file(path_, std::filesystem::file_size(path_) - 1);
  EXPECT_NO_THROW(check_metrics_version(path_));
  EXPECT_THROW(Metrics::load(path_, 10), DamagedFileError);
}

TEST_F(MetricsFile, WithoutAFileThereAreNoRows) {
  const Metrics metrics = Metrics::load(directory_ / "none.h5", 10);
  EXPECT_TRUE(metrics.steps.empty() && metrics.epochs.empty());
}

TEST_F(MetricsFile, EmptyMetricsAreAFileToo) {
  Metrics().save(path_, "meta");
  EXPECT_TRUE(Metrics::load(path_, 10).steps.empty());
}

TEST_F(MetricsFile, IsVerifiedAndSaysWhatItIs) {
  EXPECT_NO_THROW(verify_file(path_));
  const Hdf5File file = Hdf5File::open(path_);
  EXPECT_EQ(file.read_string_attribute("filetype"), "incubate metrics");
  EXPECT_EQ(file.read_int_attribute("version"), 6);
  EXPECT_EQ(file.read_string_attribute("training"), "meta");
}

TEST_F(MetricsFile, IndexOpensTheFilesOfTrainings) {
  write_metrics_index(directory_ / "metrics.h5", {"meta", "stage_0"});
  const Hdf5File index = Hdf5File::open(directory_ / "metrics.h5");
  EXPECT_EQ(index.read<double>("/meta/steps/loss"), Hdf5File::open(path_).read<double>("/steps/loss"));
  EXPECT_EQ(index.list("/"), (std::vector<std::string>{"meta", "stage_0"}));
}

}  // namespace
}  // namespace incubate
