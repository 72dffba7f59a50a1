#include "base/directory_lock.h"

#include <optional>
#include <thread>

#include <gtest/gtest.h>

#include "base/stopwatch.h"
#include "support/temporary_directory.h"

namespace incubate {
namespace {

using std::chrono::milliseconds;

TEST(DirectoryLock, HasOneHolderAtATime) {
  const TemporaryDirectory directory;
  std::optional<DirectoryLock> first(std::in_place, directory.path(), milliseconds(0));
  EXPECT_TRUE(first->is_held());
  EXPECT_FALSE(DirectoryLock(directory.path(), milliseconds(0)).is_held());
  first.reset();
  EXPECT_TRUE(DirectoryLock(directory.path(), milliseconds(0)).is_held());
}

TEST(DirectoryLock, WaitsForTheHolder) {
  const TemporaryDirectory directory;
  std::optional<DirectoryLock> first(std::in_place, directory.path(), milliseconds(0));
  std::jthread holder([&first] {
    std::this_thread::sleep_for(milliseconds(50));
    first.reset();
  });
  EXPECT_TRUE(DirectoryLock(directory.path(), milliseconds(60'000)).is_held());
}

TEST(DirectoryLock, WaitsNoLongerThanItsPatience) {
  const TemporaryDirectory directory;
  const DirectoryLock first(directory.path(), milliseconds(0));
  const Stopwatch watch;
  EXPECT_FALSE(DirectoryLock(directory.path(), milliseconds(20)).is_held());
  EXPECT_GE(watch.elapsed_s(), 0.02);
}

TEST(DirectoryLock, DoesNotWaitWhereThereIsNone) {
  const TemporaryDirectory directory;
  const Stopwatch watch;
  EXPECT_FALSE(DirectoryLock(directory / "none", milliseconds(60'000)).is_held());
  EXPECT_LT(watch.elapsed_s(), 30);
}

}  // namespace
}  // namespace incubate
