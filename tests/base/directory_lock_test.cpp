#include "base/directory_lock.h"

#include <atomic>
#include <fstream>
#include <optional>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "support/ended_process.h"
#include "support/temporary_directory.h"

namespace incubate {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLong(60'000);

TEST(DirectoryLock, HasOneHolderAtATime) {
  const TemporaryDirectory directory;
  std::atomic<int> num_inside = 0;
  int num_held = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        for (int k = 0; k < 20; ++k) {
          const DirectoryLock lock(directory.path(), kLong);
          EXPECT_TRUE(lock.is_held());
          EXPECT_EQ(++num_inside, 1);
          ++num_held;
          --num_inside;
        }
      });
    }
  }
  EXPECT_EQ(num_held, 8 * 20);
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

TEST(DirectoryLock, WaitsForTheHolder) {
  const TemporaryDirectory directory;
  std::optional<DirectoryLock> first(std::in_place, directory.path(), kLong);
  std::jthread holder([&first] {
    std::this_thread::sleep_for(milliseconds(50));
    first.reset();
  });
  const Stopwatch watch;
  EXPECT_TRUE(DirectoryLock(directory.path(), kLong).is_held());
  EXPECT_GE(watch.elapsed_s(), 0.04);
}

TEST(DirectoryLock, IsNotThatOfAnEndedProcess) {
  const TemporaryDirectory directory;
  std::ofstream(directory / ".busy") << ended_process_name() << " 1";
  const Stopwatch watch;
  EXPECT_TRUE(DirectoryLock(directory.path(), kLong).is_held());
  EXPECT_LT(watch.elapsed_s(), 30);
}

// The lock is like that of a killed process on another host.
TEST(DirectoryLock, AHolderThatKeepsItForAllThePatienceLosesIt) {
  const TemporaryDirectory directory;
  std::optional<DirectoryLock> first(std::in_place, directory.path(), kLong);
  const Stopwatch watch;
  const DirectoryLock second(directory.path(), milliseconds(20));
  EXPECT_TRUE(second.is_held());
  EXPECT_GE(watch.elapsed_s(), 0.02);
  first.reset();  // which leaves the second one its lock
  EXPECT_FALSE(std::filesystem::is_empty(directory.path()));
}

TEST(DirectoryLock, OneThatCannotBeRemovedIsNotWaitedForEither) {
  const TemporaryDirectory directory;
  std::filesystem::create_directories(directory / ".busy/occupied");
  EXPECT_FALSE(DirectoryLock(directory.path(), milliseconds(20)).is_held());
}

TEST(DirectoryLock, DoesNotWaitWhereThereIsNone) {
  const TemporaryDirectory directory;
  const Stopwatch watch;
  EXPECT_FALSE(DirectoryLock(directory / "none", kLong).is_held());
  EXPECT_LT(watch.elapsed_s(), 30);
}

}  // namespace
}  // namespace incubate
