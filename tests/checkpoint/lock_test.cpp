#include "checkpoint/lock.h"

#include <array>
#include <chrono>
#include <cstdlib>
#include <optional>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "hdf5/atomic_file.h"
#include "support/temporary_directory.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

double now_s() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

std::string this_host() {
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  return name.data();
}

/// The id of a process that has ended.
pid_t dead_process() {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, nullptr, 0);
  return child;
}

class LockTest : public testing::Test {
 protected:
  void SetUp() override { forget_slurm(); }
  void TearDown() override { forget_slurm(); }
  static void forget_slurm() {
    unsetenv("SLURM_JOB_ID");
    unsetenv("SLURM_RESTART_COUNT");
  }

  /// A lock left by another job.
  void leave_lock(const std::string& host, pid_t pid, double age_s, const std::string& slurm_job = "") const {
    const nlohmann::json holder = {
        {"token", "other"}, {"host", host}, {"pid", pid}, {"slurm_job", slurm_job}, {"heartbeat", now_s() - age_s}};
    replace_text_atomically(path_, holder.dump());
  }
  std::string error() const {
    return thrown_message<InputError>([this] { Lock lock(path_); });
  }

  TemporaryDirectory directory_;
  std::filesystem::path path_ = directory_ / "meta.lock";
};

TEST_F(LockTest, FileNamesTheHolderAndGoesWithIt) {
  {
    const Lock lock(path_);
    const nlohmann::json holder = nlohmann::json::parse(read_text(path_));
    EXPECT_EQ(holder.at("host"), this_host());
    EXPECT_EQ(holder.at("pid"), getpid());
    EXPECT_EQ(holder.at("token"), lock.token());
    EXPECT_NEAR(holder.at("heartbeat").get<double>(), now_s(), 5);
    EXPECT_NO_THROW(check_held(path_, lock.token()));
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(LockTest, ASecondHolderIsRefused) {
  const Lock lock(path_);
  EXPECT_EQ(error(), path_.string() + " says that another job works on this training: process " +
                         std::to_string(getpid()) + " on " + this_host() + ", 0 s ago. Wait for it, or stop it.");
  EXPECT_NO_THROW(check_held(path_, lock.token()));
}

TEST_F(LockTest, AProcessOfAnotherHostIsTrustedWhileItsHeartIsBeating) {
  leave_lock("elsewhere", 1, 50);
  EXPECT_EQ(error(), path_.string() +
                         " says that another job works on this training: process 1 on elsewhere, 50 s ago. "
                         "Wait for it, or stop it.");
}

TEST_F(LockTest, LockOfADeadProcessIsTakenOver) {
  leave_lock(this_host(), dead_process(), 0);
  const Lock lock(path_);
  EXPECT_NO_THROW(check_held(path_, lock.token()));
}

TEST_F(LockTest, LockOfADeadProcessNumberOfAnotherHostIsNot) {
  leave_lock("elsewhere", dead_process(), 0);
  EXPECT_NE(error(), "(no error)");
}

TEST_F(LockTest, LockWithoutAHeartbeatForAMinuteIsTakenOver) {
  leave_lock("elsewhere", 1, 61);
  const Lock lock(path_);
  EXPECT_NO_THROW(check_held(path_, lock.token()));
}

TEST_F(LockTest, LockOfTheSameSlurmJobBeforeItWasRequeuedIsTakenOver) {
  leave_lock("elsewhere", 1, 0, "4711");
  EXPECT_NE(error(), "(no error)");
  setenv("SLURM_RESTART_COUNT", "1", 1);
  setenv("SLURM_JOB_ID", "4712", 1);
  EXPECT_NE(error(), "(no error)");
  setenv("SLURM_JOB_ID", "4711", 1);
  const Lock lock(path_);
  const nlohmann::json holder = nlohmann::json::parse(read_text(path_));
  EXPECT_EQ(holder.at("slurm_job"), "4711");
  EXPECT_EQ(holder.at("slurm_restart"), "1");
}

TEST_F(LockTest, TwoStepsOfOneSlurmJobAreTwo) {
  setenv("SLURM_JOB_ID", "4711", 1);
  setenv("SLURM_RESTART_COUNT", "2", 1);
  const Lock lock(path_);
  EXPECT_NE(error(), "(no error)");
  EXPECT_NO_THROW(check_held(path_, lock.token()));
}

TEST_F(LockTest, UnreadableLockIsTakenOver) {
  for (const char* text : {"", "not JSON", "[1]", "{}"}) {
    replace_text_atomically(path_, text);
    EXPECT_EQ(error(), "(no error)") << text;
  }
}

TEST_F(LockTest, LockThatSaysWhatNoLockSaysIsTakenOver) {
  for (const char* text : {R"({"token": 1})", R"({"host": null})", R"({"slurm_job": 7})", R"({"heartbeat": "now"})",
                           R"({"pid": 1e300})", R"({"pid": "1"})"}) {
    replace_text_atomically(path_, text);
    EXPECT_EQ(error(), "(no error)") << text;
  }
}

TEST_F(LockTest, AHolderWhoseLockIsOverwrittenWithNonsenseLeavesIt) {
  std::optional<Lock> lock(path_);
  const std::string token = lock->token();
  replace_text_atomically(path_, R"({"token": 1})");
  EXPECT_EQ(thrown_message<std::runtime_error>([&] { check_held(path_, token); }),
            "the lock " + path_.string() + " now belongs to nobody: another job took this training over.");
  lock.reset();
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(LockTest, TheFormerHolderLearnsOfATakeoverAndLeavesTheLock) {
  std::optional<Lock> lock(path_);
  const std::string token = lock->token();
  leave_lock("elsewhere", 1, 0);
  EXPECT_EQ(thrown_message<std::runtime_error>([&] { check_held(path_, token); }),
            "the lock " + path_.string() + " now belongs to other: another job took this training over.");
  lock.reset();
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(LockTest, ARemovedLockIsNotHeld) {
  const Lock lock(path_);
  std::filesystem::remove(path_);
  EXPECT_EQ(thrown_message<std::runtime_error>([&] { check_held(path_, lock.token()); }),
            "the lock " + path_.string() + " now belongs to nobody: another job took this training over.");
}

TEST_F(LockTest, MovesWithItsHolder) {
  std::optional<Lock> first(path_);
  const Lock second(std::move(*first));
  first.reset();
  EXPECT_NO_THROW(check_held(path_, second.token()));
}

// Of a process that was killed while it wrote one; what another may still be about to use stays.
TEST_F(LockTest, DraftsOfTheDeadGo) {
  const auto draft = [this](const std::string& host, pid_t pid, const std::string& end = "") {
    const std::filesystem::path path = path_.string() + "." + host + "." + std::to_string(pid) + end;
    replace_text_atomically(path, "{");
    return path;
  };
  const pid_t dead = dead_process();
  const std::filesystem::path own = draft(this_host(), dead), half = draft(this_host(), dead, ".tmp"),
                              running = draft(this_host(), getppid()), recent = draft("elsewhere", dead),
                              old = draft("elsewhere", dead + 1), other = directory_ / "meta.lock2";
  std::filesystem::last_write_time(old, std::filesystem::file_time_type::clock::now() - std::chrono::seconds(61));
  replace_text_atomically(other, "");
  const Lock lock(path_);
  for (const auto& path : {own, half, old}) EXPECT_FALSE(std::filesystem::exists(path)) << path;
  for (const auto& path : {running, recent, other, path_}) EXPECT_TRUE(std::filesystem::exists(path)) << path;
}

TEST_F(LockTest, ATakeoverLeavesNoDraft) {
  leave_lock(this_host(), dead_process(), 0);
  const Lock lock(path_);
  const std::filesystem::directory_iterator files(directory_.path());
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST_F(LockTest, PlaceThatCannotBeWrittenIsTheUsersError) {
  const std::filesystem::path path = directory_ / "no/meta.lock";
  EXPECT_EQ(thrown_message<InputError>([&] { Lock lock(path); }),
            path.string() + " cannot be made: cannot write " + path.string() + "." + this_host() + "." +
                std::to_string(getpid()) + ": No such file or directory. Choose another run.directory.");
}

}  // namespace
}  // namespace incubate
