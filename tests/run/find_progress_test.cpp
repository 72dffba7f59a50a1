#include "run/find_progress.h"

#include <limits>

#include <gtest/gtest.h>

#include "hdf5/atomic_file.h"
#include "report/summary.h"
#include "support/temporary_directory.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

constexpr std::int64_t kLast = 100;
constexpr auto kAnyStep = std::numeric_limits<std::int64_t>::max();

Training make_training(const std::string& name, const std::vector<std::string>& parents) {
  Training training;
  training.name = name;
  training.weight_sources = parents;
  training.total_steps = kLast;
  training.identity = training.identity_text = "settings of " + name;
  training.is_chosen = true;
  return training;
}

/// A method of four trainings, and a run's files.
class FindProgress : public testing::Test {
 protected:
  FindProgress() { run_.create(); }

  const Training& find(const std::string& name) const { return find_training(trainings_, name); }
  void save(const FilePath& path, const std::string& name, std::int64_t step) const {
    std::filesystem::create_directories(path.parent_path());
    save_checkpoint(path, {.header = {.training = name,
                                      .step = step,
                                      .identity = find(name).identity,
                                      .identity_text = find(name).identity_text,
                                      .config = "",
                                      .figures = {{"micro_batch_s", 0.5}}},
                           .state = {}});
  }
  void save_state(const std::string& name, std::int64_t step) const { save(run_.resume_point(name, step), name, step); }
  void finish(const std::vector<std::string>& names) const {
    for (const std::string& name : names) save(run_.finished(name), name, kLast);
  }
  void damage(const std::string& name, std::int64_t step) const {
    replace_text_atomically(run_.resume_point(name, step), "damaged");
  }
  /// Returns the step of meta's checkpoint; -1 without one.
  std::int64_t find_step(std::int64_t latest_step = kAnyStep) {
    warnings_.clear();
    const auto point = find_resume_point(run_, find("meta"), latest_step, verified_,
                                         [this](const std::string& message) { warnings_.push_back(message); });
    return point ? point->header.step : -1;
  }
  std::string error() {
    return thrown_message<InputError>([this] { find_step(); });
  }
  /// Returns "name: steps" for each training that has done some.
  std::vector<std::string> find_all() {
    VerifiedFiles verified;
    warnings_.clear();
    std::vector<std::string> steps;
    const std::vector<FoundProgress> all = find_all_progress(config_, run_, trainings_, verified);
    for (std::size_t i = 0; i < all.size(); ++i) {
      EXPECT_EQ(all[i].progress.total_steps, kLast);
      const std::int64_t done = all[i].progress.steps_done;
      if (done > 0) steps.push_back(trainings_[i].name + ": " + std::to_string(done));
      warnings_.insert(warnings_.end(), all[i].warnings.begin(), all[i].warnings.end());
    }
    return steps;
  }

  TemporaryDirectory directory_;
  RunDirectory run_{directory_.path()};
  RunConfig config_;
  std::vector<Training> trainings_ = {make_training("meta", {}), make_training("stage_0", {"meta"}),
                                      make_training("stage_1", {"meta"}),
                                      make_training("finetuned", {"stage_0", "stage_1"})};
  VerifiedFiles verified_;
  std::vector<std::string> warnings_;
};
using Lines = std::vector<std::string>;

TEST_F(FindProgress, TheLatestIntactCheckpointCounts) {
  EXPECT_EQ(find_step(), -1);
  for (const std::int64_t step : {20, 30, 40}) save_state("meta", step);
  EXPECT_EQ(find_step(), 40);
  EXPECT_EQ(find_step(35), 30);
  damage("meta", 40);
  EXPECT_EQ(find_step(35), 30);
  EXPECT_TRUE(warnings_.empty());
  verified_.clear();
  EXPECT_EQ(find_step(), 30);
  EXPECT_EQ(warnings_, Lines{run_.resume_point("meta", 40).string() +
                             " is truncated: it has 7 bytes, fewer than its first block of 512. Make or copy it again. "
                             "Trying the checkpoint before it."});
  EXPECT_EQ(verified_, VerifiedFiles{run_.resume_point("meta", 30)});  // the one at 20 was not read
}

TEST_F(FindProgress, AFileIsReadOnce) {
  save_state("meta", 30);
  verified_.insert(run_.resume_point("meta", 30));
  // The damage is behind the header, so only a new verification finds it.
  std::filesystem::resize_file(run_.resume_point("meta", 30),
                               512 + std::filesystem::file_size(run_.resume_point("meta", 30)));
  EXPECT_EQ(find_step(), 30);
  verified_.clear();
  EXPECT_NE(error(), "(no error)");
}

TEST_F(FindProgress, UnreadableFilesAreAsDamagedOnes) {
  save_state("meta", 30);
  std::filesystem::create_symlink("/proc/self/mem", run_.resume_point("meta", 40));
  std::filesystem::create_symlink("nowhere", run_.resume_point("meta", 50));
  EXPECT_EQ(find_step(), 30);
  EXPECT_EQ(warnings_.size(), 2);
}

TEST_F(FindProgress, AFileThatGoesAfterItWasListedWasNeverThere) {
  save_state("meta", 30);
  // Listed as step 40, but no file has that step's name.
  replace_text_atomically(run_.resume_point("meta", 30).parent_path() / "step_40.h5", "damaged");
  EXPECT_EQ(find_step(), 30);
  EXPECT_TRUE(warnings_.empty());
  std::filesystem::remove(run_.resume_point("meta", 30));
  EXPECT_EQ(find_step(), -1);
}

TEST_F(FindProgress, WhereAllAreDamagedNothingBeginsAgain) {
  save_state("meta", 30);
  damage("meta", 30);
  damage("meta", 40);
  EXPECT_EQ(error(), run_.resume_point("meta", 40).string() +
                         " is truncated: it has 7 bytes, fewer than its first block of 512. Make or copy it again. No "
                         "other checkpoint of meta is intact (2 of 2 are damaged or unreadable), and it does not begin "
                         "again at step 0 unasked. Put a copy of one in its place, or remove " +
                         run_.resume_point("meta", 0).parent_path().string() + " to begin again.");
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(FindProgress, AnotherIdentityOrAWrongNameIsRefused) {
  save_state("meta", 30);
  save(run_.resume_point("meta", 50), "meta", 40);
  EXPECT_EQ(error(),
            run_.resume_point("meta", 50).string() + " holds step 40 of meta, not that of its name. Rename it.");
  save(run_.resume_point("meta", 50), "stage_0", 50);
  EXPECT_NE(error().find("was made with other settings"), std::string::npos);
}

TEST_F(FindProgress, OnlyWhatTheJobNeedsIsRead) {
  config_.run.only = "stage_1";
  finish({"meta"});
  save_state("stage_1", 30);
  for (const char* other : {"stage_0", "finetuned"}) {
    save_state(other, 30);
    damage(other, 30);
    replace_text_atomically(run_.finished(other), "damaged");
  }
  EXPECT_EQ(find_all(), (Lines{"meta: 100", "stage_1: 30"}));
  // Another job works on the parent.
  std::filesystem::remove(run_.finished("meta"));
  save_state("meta", 30);
  damage("meta", 30);
  EXPECT_EQ(find_all(), Lines{"stage_1: 30"});
}

TEST_F(FindProgress, FilesOfAnotherJobAreFoundAgain) {
  save_state("meta", 30);
  const FoundProgress found = find_progress(run_, find("meta"), verified_);
  EXPECT_EQ(found.progress.micro_batch_s, 0.5);
  EXPECT_TRUE(is_as_found(run_, find("meta"), found));
  save_state("meta", 40);
  EXPECT_FALSE(is_as_found(run_, find("meta"), found));
  std::filesystem::remove(run_.resume_point("meta", 40));
  finish({"meta"});
  EXPECT_FALSE(is_as_found(run_, find("meta"), found));
}

TEST_F(FindProgress, AParentThatIsGoneIsNotNeededIfAllThatStartsFromItIsDone) {
  finish({"finetuned"});  // all that is kept of the run
  EXPECT_EQ(find_all(), (Lines{"meta: 100", "stage_0: 100", "stage_1: 100", "finetuned: 100"}));
  ASSERT_EQ(warnings_.size(), 3);
  EXPECT_EQ(warnings_[0],
            run_.finished("meta").string() + " is missing. It is not needed: what starts from meta is done.");
}

TEST_F(FindProgress, AParentThatIsGoneIsNotTrainedAgainUnasked) {
  finish({"stage_0"});
  const std::string message =
      run_.finished("meta").string() +
      " is missing, and stage_1 cannot start without it. meta was done before (stage_0 has "
      "started from it), and is not trained again unasked. Put the file back, or train it again "
      "with --run.only=meta.";
  const auto error = [this] { return thrown_message<InputError>([this] { find_all(); }); };
  EXPECT_EQ(error(), message);
  std::filesystem::remove(run_.finished("stage_0"));
  save_state("stage_0", 30);
  EXPECT_NE(error().find("(stage_0 has started from it)"), std::string::npos);
  config_.run.only = "meta";
  EXPECT_EQ(find_all(), Lines{});
  EXPECT_EQ(warnings_, Lines{run_.finished("meta").string() +
                             " is missing. meta was done before (stage_0 has started from it), and "
                             "is trained again as run.only says."});
}

TEST_F(FindProgress, ADoneTrainingMayBeKnownFromTheSummaryAlone) {
  finish({"meta", "stage_1"});
  RunSummary summary;
  summary.trainings.push_back(
      {.name = "stage_0", .phase = "incubation", .state = TrainingState::done, .evaluation = {}});
  summary.trainings.push_back(
      {.name = "finetuned", .phase = "finetuning", .state = TrainingState::done, .evaluation = {}});
  summary.save(run_.summary());
  EXPECT_EQ(find_all(), (Lines{"meta: 100", "stage_1: 100"}));  // its figures are gone too: it is to be made anew
  replace_text_atomically(run_.metrics("stage_0"), "figures");
  EXPECT_NE(thrown_message<InputError>([this] { find_all(); }).find("stage_0 was done before (summary.json says so)"),
            std::string::npos);
  std::filesystem::remove(run_.finished("meta"));  // is told first
  EXPECT_TRUE(thrown_message<InputError>([this] {
                find_all();
              }).starts_with(run_.finished("meta").string() + " is missing, and stage_0 cannot start without it. "));
  finish({"meta", "stage_0"});
  replace_text_atomically(run_.metrics("finetuned"), "figures");
  EXPECT_EQ(find_all(), (Lines{"meta: 100", "stage_0: 100", "stage_1: 100"}));  // nothing starts from finetuned
  EXPECT_TRUE(warnings_.empty());
}

}  // namespace
}  // namespace incubate
