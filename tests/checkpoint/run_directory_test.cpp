#include "checkpoint/run_directory.h"

#include <gtest/gtest.h>

#include "base/check.h"
#include "hdf5/atomic_file.h"
#include "support/temporary_directory.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

using Steps = std::vector<std::int64_t>;

class RunDirectoryTest : public testing::Test {
 protected:
  void add_resume_points(const Steps& steps) const {
    std::filesystem::create_directories(run_.resume_point("meta", 0).parent_path());
    for (const std::int64_t step : steps) replace_text_atomically(run_.resume_point("meta", step), "x");
  }

  TemporaryDirectory directory_;
  RunDirectory run_{directory_ / "runs/a"};
};

TEST_F(RunDirectoryTest, PathsAreTheDocumentedOnes) {
  const RunDirectory run("r");
  EXPECT_EQ(run.config(), "r/config.ini");
  EXPECT_EQ(run.summary(), "r/summary.json");
  EXPECT_EQ(run.log(), "r/log.txt");
  EXPECT_EQ(run.metrics_index(), "r/metrics.h5");
  EXPECT_EQ(run.metrics("meta"), "r/metrics/meta.h5");
  EXPECT_EQ(run.finished("meta"), "r/checkpoints/meta.h5");
  EXPECT_EQ(run.lock("meta"), "r/checkpoints/meta.lock");
  EXPECT_EQ(run.resume_point("meta", 1200), "r/checkpoints/meta/step_0001200.h5");
  EXPECT_EQ(run.resume_point("meta", 123456789), "r/checkpoints/meta/step_123456789.h5");
}

TEST_F(RunDirectoryTest, CreateMakesTheDirectoriesAndLeavesThemEmpty) {
  run_.create();
  run_.create();  // a restart finds them
  EXPECT_TRUE(std::filesystem::is_empty(run_.root() / "checkpoints"));
  EXPECT_TRUE(std::filesystem::is_empty(run_.root() / "metrics"));
}

TEST_F(RunDirectoryTest, FilesThatNoRunWroteStay) {
  for (const FilePath& path : {run_.config(), run_.summary(), run_.log(), run_.metrics_index()}) {
    std::filesystem::create_directories(run_.root());
    replace_text_atomically(path, "a note of the user");
    EXPECT_EQ(thrown_message<InputError>([&] { run_.create(); }),
              "run.directory=" + run_.root().string() + " has " + path.filename().string() +
                  ", which no run of this program wrote, and which a run would replace. Choose another "
                  "run.directory, or move that file away.");
    EXPECT_FALSE(run_.is_own());
    std::filesystem::remove_all(run_.root());
  }
}

TEST_F(RunDirectoryTest, AMarkTellsTheProgramsFolder) {
  run_.create();
  EXPECT_FALSE(run_.is_own());
  run_.write_config("[run]\nseed = 1\n");
  EXPECT_TRUE(read_text(run_.config()).ends_with("[run]\nseed = 1\n"));
  EXPECT_TRUE(run_.is_own());
  replace_text_atomically(run_.config(), "# mine\n" + read_text(run_.config()));
  replace_text_atomically(run_.log(), "");
  run_.create();
  EXPECT_TRUE(run_.is_own());
}

TEST_F(RunDirectoryTest, AnOlderVersionMarkedItsSummary) {
  std::filesystem::create_directories(run_.root());
  replace_text_atomically(run_.config(), "[run]\nseed = 1\n");
  replace_text_atomically(run_.summary(), R"({"git_sha1": "0123"})");
  EXPECT_FALSE(run_.is_own());  // figures that were kept, without weights
  std::filesystem::create_directory(run_.root() / "checkpoints");
  EXPECT_TRUE(run_.is_own());
}

// A directory below a regular file can never be made.
TEST_F(RunDirectoryTest, PlaceThatCannotBeMadeIsTheUsersError) {
  replace_text_atomically(directory_ / "file", "");
  const std::string root = directory_ / "file/run";
  EXPECT_EQ(
      thrown_message<InputError>([&] { RunDirectory(root).create(); }),
      "run.directory=" + root + " cannot be made: " + root + "/checkpoints: Not a directory. Choose another place.");
}

TEST_F(RunDirectoryTest, PlaceThatCannotBeWrittenIsTheUsersError) {
  std::filesystem::create_directories(run_.root());
  std::filesystem::create_directory_symlink("/proc", run_.root() / "metrics");  // where nobody can make files
  EXPECT_EQ(thrown_message<InputError>([&] { run_.create(); }),
            "run.directory=" + run_.root().string() + " cannot be written: no permission or no space in " +
                (run_.root() / "metrics").string() + ". Choose another place.");
}

TEST_F(RunDirectoryTest, ResumePointsAreListedInNumericOrder) {
  add_resume_points({99, 100, 20000000, 3, 9999999});
  EXPECT_EQ(run_.list_resume_points("meta"), (Steps{20000000, 9999999, 100, 99, 3}));
}

TEST_F(RunDirectoryTest, OtherFilesAreNotResumePoints) {
  add_resume_points({5});
  for (const char* name : {"step_0000006.h5.tmp", "step_.h5", "step_x.h5", "step_1x.h5", "other.h5"}) {
    replace_text_atomically(run_.resume_point("meta", 5).parent_path() / name, "x");
  }
  EXPECT_EQ(run_.list_resume_points("meta"), Steps{5});
}

TEST_F(RunDirectoryTest, DraftsOfKilledWritersAreRemovedAndNothingElse) {
  run_.create();
  add_resume_points({5});
  const std::filesystem::path directory = run_.resume_point("meta", 5).parent_path();
  const auto add = [](const std::filesystem::path& path) {
    replace_text_atomically(path, "x");
    return path;
  };
  const std::filesystem::path of_last_version = add(directory / "step_0000006.h5.tmp");
  const std::filesystem::path state = add(draft_of(run_.resume_point("meta", 6)));
  const std::filesystem::path weights = add(draft_of(run_.finished("meta")));
  const std::filesystem::path metrics = add(draft_of(run_.metrics("meta")));
  const std::filesystem::path other = add(directory / "other.h5");
  const std::filesystem::path of_another_training = add(draft_of(run_.finished("meta.h")));
  run_.remove_drafts("meta");
  for (const auto& path : {of_last_version, state, weights, metrics}) {
    EXPECT_FALSE(std::filesystem::exists(path)) << path;
  }
  for (const auto& path : {other, of_another_training, run_.resume_point("meta", 5)}) {
    EXPECT_TRUE(std::filesystem::exists(path)) << path;
  }
  run_.remove_drafts("stage_0");  // of which there is no directory
}

TEST_F(RunDirectoryTest, WithoutADirectoryThereAreNone) { EXPECT_EQ(run_.list_resume_points("meta"), Steps{}); }

TEST_F(RunDirectoryTest, PruningKeepsTheLatest) {
  add_resume_points({99, 100, 3, 9999999, 10000000});
  run_.prune_resume_points("meta", 2);
  EXPECT_EQ(run_.list_resume_points("meta"), (Steps{10000000, 9999999}));
  run_.prune_resume_points("meta", 5);
  EXPECT_EQ(run_.list_resume_points("meta"), (Steps{10000000, 9999999}));
}

TEST_F(RunDirectoryTest, PruningRemovesWhatIsRejectedFirst) {
  add_resume_points({100, 90, 80, 70, 60});
  run_.prune_resume_points("meta", 2, {100, 80, 75});  // one is not there
  EXPECT_EQ(run_.list_resume_points("meta"), (Steps{90, 70}));
}

TEST_F(RunDirectoryTest, ADirectoryThatCannotBeListedIsNotEmpty) {
  const FilePath directory = run_.resume_point("meta", 0).parent_path();
  std::filesystem::create_directories(directory.parent_path());
  std::filesystem::create_symlink(directory, directory);  // to itself
  EXPECT_TRUE(thrown_message<InputError>([this] {
                run_.list_resume_points("meta");
              }).starts_with(directory.string() + " cannot be read: "));
}

TEST_F(RunDirectoryTest, PruningToNoneRemovesTheDirectoryIfItIsEmpty) {
  add_resume_points({1, 2});
  run_.prune_resume_points("meta", 0);
  EXPECT_FALSE(std::filesystem::exists(run_.resume_point("meta", 1).parent_path()));
  add_resume_points({1});
  replace_text_atomically(run_.resume_point("meta", 1).parent_path() / "notes", "x");
  run_.prune_resume_points("meta", 0);
  EXPECT_EQ(run_.list_resume_points("meta"), Steps{});
  EXPECT_EQ(read_text(run_.resume_point("meta", 1).parent_path() / "notes"), "x");
}

}  // namespace
}  // namespace incubate
