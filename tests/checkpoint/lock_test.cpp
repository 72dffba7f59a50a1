#include "checkpoint/lock.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <latch>
#include <optional>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/process.h"
#include "hdf5/atomic_file.h"
#include "support/ended_process.h"
#include "support/temporary_directory.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

double now_s() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

constexpr std::chrono::milliseconds kSoon(400);

class LockTest : public testing::Test {
 protected:
  void SetUp() override { forget_slurm(); }
  void TearDown() override { forget_slurm(); }
  static void forget_slurm() {
    for (const char* name : {"SLURM_JOB_ID", "SLURM_RESTART_COUNT", "SLURM_CLUSTER_NAME"}) unsetenv(name);
  }

  /// Returns options with a short minute, or one that never ends in these tests.
  static LockOptions options(std::chrono::milliseconds stale_after = kSoon) {
    LockOptions options;
    options.stale_after = stale_after;
    options.beat_every = options.look_every = std::chrono::milliseconds(10);
    return options;
  }
  /// Leaves the lock of another job, `age_s` seconds old by its clock.
  static void leave_lock(const std::filesystem::path& path, const std::string& process, double age_s = 0,
                         const std::string& slurm_job = "") {
    const nlohmann::json holder = {{"token", "other"},   {"host", "elsewhere"},    {"pid", 1},
                                   {"process", process}, {"slurm_job", slurm_job}, {"heartbeat", now_s() - age_s}};
    replace_text_atomically(path, holder.dump());
  }
  void leave_lock(const std::string& process, double age_s = 0, const std::string& slurm_job = "") const {
    leave_lock(path_, process, age_s, slurm_job);
  }
  /// Returns why the lock cannot be taken, without waiting a minute.
  std::string error() const {
    return thrown_message<InputError>([this] { Lock lock(path_, options(kNever)); });
  }
  /// Returns the seconds until the lock is taken.
  double time_to_take() const {
    const Stopwatch watch;
    const Lock lock(path_, options());
    const double elapsed_s = watch.elapsed_s();
    EXPECT_NO_THROW(check_held(path_, lock.token()));
    return elapsed_s;
  }

  static constexpr std::chrono::hours kNever{1};
  TemporaryDirectory directory_;
  std::filesystem::path path_ = directory_ / "meta.lock";
};

TEST_F(LockTest, FileNamesTheHolderAndGoesWithIt) {
  {
    const Lock lock(path_);
    const nlohmann::json holder = nlohmann::json::parse(read_text(path_));
    EXPECT_EQ(holder.at("host"), host_name());
    EXPECT_EQ(holder.at("pid"), getpid());
    EXPECT_EQ(holder.at("process"), process_name());
    EXPECT_EQ(holder.at("token"), lock.token());
    EXPECT_NEAR(holder.at("heartbeat").get<double>(), now_s(), 5);
    EXPECT_NO_THROW(check_held(path_, lock.token()));
  }
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
}

TEST_F(LockTest, ASecondHolderIsRefusedAtOnce) {
  const Lock lock(path_);
  EXPECT_EQ(error(), path_.string() + " says that another job works on this training: process " +
                         std::to_string(getpid()) + " on " + host_name() + ". Wait for it, or stop it.");
  EXPECT_NO_THROW(check_held(path_, lock.token()));
}

TEST_F(LockTest, OfManyThatStartAtTheSameMomentOneGetsTheLock) {
  for (const bool is_stale : {false, true}) {
    if (is_stale) leave_lock("elsewhere");
    std::atomic<int> num_taken = 0;
    std::latch all_are_over(6);
    {
      std::vector<std::jthread> jobs;
      for (int i = 0; i < 6; ++i) {
        jobs.emplace_back([&] {
          std::optional<Lock> lock;
          const std::string message = thrown_message<InputError>([&] { lock.emplace(path_, options()); });
          const std::string refusal = path_.string() + " says that another job works on this training: ";
          EXPECT_TRUE(lock || message.starts_with(refusal)) << message;
          num_taken += lock ? 1 : 0;
          all_are_over.arrive_and_wait();
        });
      }
    }
    EXPECT_EQ(num_taken, 1) << is_stale;
  }
}

TEST_F(LockTest, TheHeartbeatIsRenewed) {
  const Lock lock(path_, options());
  const std::string first = read_text(path_);
  const Stopwatch watch;
  while (read_text(path_) == first && watch.elapsed_s() < 30) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_LT(watch.elapsed_s(), 30);
  EXPECT_EQ(nlohmann::json::parse(read_text(path_)).at("token"), lock.token());
}

// The lock's host may have a clock that is wrong by days, either way.
TEST_F(LockTest, ALockIsHeldAsLongAsItChangesWhateverTimesItHolds) {
  for (const double age_s : {-1e6, 50.0, 1e6}) {
    leave_lock("elsewhere", age_s);
    std::jthread heart([this, age_s](const std::stop_token& stop) {
      for (int i = 1; !stop.stop_requested(); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        leave_lock("elsewhere", age_s - i);
      }
    });
    EXPECT_EQ(error(), path_.string() +
                           " says that another job works on this training: process 1 on elsewhere. Wait for it, or "
                           "stop it.")
        << age_s;
  }
}

TEST_F(LockTest, ALockThatDoesNotChangeIsTakenOverAfterAMinuteOfTheReadersClock) {
  for (const double age_s : {-1e6, 0.0, 1e6}) {
    leave_lock("elsewhere", age_s);
    EXPECT_GE(time_to_take(), 0.4) << age_s;
  }
}

TEST_F(LockTest, WhoeverWaitsIsToldWhy) {
  leave_lock("elsewhere");
  std::vector<std::string> told;
  LockOptions telling = options();
  telling.tell = [&told](const std::string& message) { told.push_back(message); };
  const Lock lock(path_, telling);
  ASSERT_EQ(told.size(), 1);
  EXPECT_EQ(told[0], path_.string() +
                         " says that process 1 on elsewhere works on this training, and that process cannot be seen "
                         "from here. If the file does not change for 0 s that job is dead, and this one goes on.");
}

TEST_F(LockTest, AMinuteIsEnoughForSeveralLocks) {
  std::vector<std::filesystem::path> paths;
  for (const char* name : {"a", "b", "c", "d", "e"}) paths.push_back(directory_ / name);
  for (const auto& path : paths) leave_lock(path, "elsewhere");
  const Stopwatch watch;
  const std::vector<Lock> locks = take_locks(paths, options(std::chrono::seconds(1)));
  EXPECT_LT(watch.elapsed_s(), 4);
  ASSERT_EQ(locks.size(), paths.size());
  for (std::size_t i = 0; i < paths.size(); ++i) EXPECT_NO_THROW(check_held(paths[i], locks[i].token()));
}

TEST_F(LockTest, OfSeveralLocksAllAreTakenOrNone) {
  const Lock held(directory_ / "stage_0.lock");
  EXPECT_NE(thrown_message<InputError>([&] {
              take_locks({path_, directory_ / "stage_0.lock"}, options());
            }),
            "(no error)");
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(LockTest, LockOfAnEndedProcessIsTakenOverAtOnce) {
  leave_lock(ended_process_name());
  EXPECT_EQ(error(), "(no error)");
}

// The process has the id and the host of the lock, but is another one.
TEST_F(LockTest, LockOfAnEndedProcessWhoseIdIsInUseAgainIsTakenOverAtOnce) {
  const std::string own = process_name();
  leave_lock(own.substr(0, own.rfind('.')) + ".1");
  EXPECT_EQ(error(), "(no error)");
}

TEST_F(LockTest, LockOfAnIdThatNoProcessHasInThisNamespaceMayBeAlive) {
  std::string other = ended_process_name();
  other.replace(host_name().size() + 1, 1, other[host_name().size() + 1] == '1' ? "2" : "1");  // of its PID namespace
  leave_lock(other);
  EXPECT_GE(time_to_take(), 0.4);
}

TEST_F(LockTest, LockOfTheSameSlurmJobBeforeItWasRequeuedIsTakenOverAtOnce) {
  setenv("SLURM_RESTART_COUNT", "1", 1);
  setenv("SLURM_JOB_ID", "4712", 1);
  leave_lock("elsewhere", 0, "4711");
  EXPECT_GE(time_to_take(), 0.4);
  setenv("SLURM_JOB_ID", "4711", 1);
  leave_lock("elsewhere", 0, "4711");
  const Lock lock(path_, options(kNever));
  const nlohmann::json holder = nlohmann::json::parse(read_text(path_));
  EXPECT_EQ(holder.at("slurm_job"), "4711");
  EXPECT_EQ(holder.at("slurm_restart"), "1");
}

TEST_F(LockTest, AJobOfThatNumberOnAnotherClusterIsAnother) {
  setenv("SLURM_RESTART_COUNT", "1", 1);
  setenv("SLURM_JOB_ID", "4711", 1);
  setenv("SLURM_CLUSTER_NAME", "east", 1);
  leave_lock("elsewhere", 0, "west:4711");
  EXPECT_GE(time_to_take(), 0.4);
  leave_lock("elsewhere", 0, "east:4711");
  EXPECT_EQ(error(), "(no error)");
}

TEST_F(LockTest, TwoStepsOfOneSlurmJobAreTwo) {
  setenv("SLURM_JOB_ID", "4711", 1);
  setenv("SLURM_RESTART_COUNT", "2", 1);
  const Lock lock(path_);
  EXPECT_NE(error(), "(no error)");
  EXPECT_NO_THROW(check_held(path_, lock.token()));
}

// Another job may be about to write the lock.
TEST_F(LockTest, WhatIsNoLockIsTakenOverAfterAMinute) {
  for (const char* text : {"", "{}", R"({"token": 1})", R"({"pid": 1e300})"}) {
    replace_text_atomically(path_, text);
    EXPECT_GE(time_to_take(), 0.4) << text;
  }
  for (const char* text : {"not JSON", "[1]", R"({"host": null})", R"({"slurm_job": 7})", R"({"pid": "1"})"}) {
    replace_text_atomically(path_, text);
    EXPECT_EQ(thrown_message<InputError>([&] { Lock lock(path_, options(std::chrono::milliseconds(0))); }),
              "(no error)")
        << text;
  }
}

TEST_F(LockTest, ALockThatCannotBeReadIsTheUsersError) {
  std::filesystem::create_directory_symlink("meta.lock", path_);  // a link to itself
  LockOptions impatient = options();
  impatient.patience = std::chrono::milliseconds(0);
  EXPECT_EQ(thrown_message<InputError>([&] { Lock lock(path_, impatient); }),
            path_.string() + " cannot be made: cannot read " + path_.string() +
                ": Too many levels of symbolic links. Choose another run.directory.");
}

// On NFS one reading may fail (ESTALE).
TEST_F(LockTest, AReadingThatFailsOnceEndsNeitherTheJobNorItsHeartbeat) {
  const Lock lock(path_, options());
  std::filesystem::rename(path_, directory_ / "away");
  std::jthread file_system([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    std::filesystem::rename(directory_ / "away", path_);
  });
  EXPECT_NO_THROW(check_held(path_, lock.token(), std::chrono::seconds(30)));
  file_system.join();
  const std::string text = read_text(path_);
  const Stopwatch watch;
  while (read_text(path_) == text && watch.elapsed_s() < 30) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_LT(watch.elapsed_s(), 30);
}

TEST_F(LockTest, AHolderWhoseLockIsOverwrittenWithNonsenseLeavesIt) {
  std::optional<Lock> lock(path_);
  const std::string token = lock->token();
  replace_text_atomically(path_, R"({"token": 1})");
  EXPECT_EQ(thrown_message<std::runtime_error>([&] { check_held(path_, token, kSoon); }),
            "the lock " + path_.string() + " now belongs to nobody: another job took this training over.");
  lock.reset();
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(LockTest, TheFormerHolderLearnsOfATakeoverAndLeavesTheLock) {
  std::optional<Lock> lock(path_);
  const std::string token = lock->token();
  leave_lock("elsewhere");
  EXPECT_EQ(thrown_message<std::runtime_error>([&] { check_held(path_, token, kSoon); }),
            "the lock " + path_.string() + " now belongs to other: another job took this training over.");
  lock.reset();
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(LockTest, ARemovedLockIsNotHeld) {
  const Lock lock(path_);
  std::filesystem::remove(path_);
  EXPECT_EQ(thrown_message<std::runtime_error>([&] { check_held(path_, lock.token(), kSoon); }),
            "the lock " + path_.string() + " now belongs to nobody: another job took this training over.");
}

TEST_F(LockTest, AHostSeesALockByItsToken) {
  EXPECT_FALSE(sees_lock(path_, "token", kSoon));
  const Lock lock(path_);
  EXPECT_TRUE(sees_lock(path_, lock.token(), kSoon));
  EXPECT_FALSE(sees_lock(path_, "another", kSoon));
  EXPECT_FALSE(sees_lock("/nowhere/x.lock", lock.token(), kSoon));
}

TEST_F(LockTest, MovesWithItsHolder) {
  std::optional<Lock> first(path_);
  const Lock second(std::move(*first));
  first.reset();
  EXPECT_NO_THROW(check_held(path_, second.token()));
}

TEST_F(LockTest, PlaceThatCannotBeWrittenIsTheUsersError) {
  const std::filesystem::path path = directory_ / "no/meta.lock";
  EXPECT_EQ(thrown_message<InputError>([&] { Lock lock(path); }),
            path.string() + " cannot be made: cannot write " + path.string() +
                ": No such file or directory. Choose another run.directory.");
}

}  // namespace
}  // namespace incubate
