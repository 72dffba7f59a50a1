#include "parallel/stuck_check.h"

#include <gtest/gtest.h>

#include "parallel/idle_wait.h"
#include "support/test_world.h"

namespace incubate {
namespace {

/// Whether a rank that waits in `what` learns within half a second that all do.
bool waits_in_vain(StuckCheck& check, const std::string& what) {
  IdleWait idle;
  while (idle.waited_s() < 0.5) {
    if (check.is_stuck(what)) return true;
    idle.pause();
  }
  return false;
}

TEST(StuckCheck, TheLeaderLearnsThatAllWaitInTheSame) {
  StuckCheck check(test_world());
  EXPECT_EQ(waits_in_vain(check, "the sum of step 3"), test_world().is_leader());
}

TEST(StuckCheck, ALateRankIsNoStuckSum) {
  if (test_world().size() == 1) GTEST_SKIP() << "needs two ranks";
  StuckCheck check(test_world());
  const bool is_late = test_world().rank() + 1 == test_world().size();
  EXPECT_FALSE(!is_late && waits_in_vain(check, "the sum of step 3"));
}

TEST(StuckCheck, ARankThatWaitsInAnotherIsLate) {
  if (test_world().size() == 1) GTEST_SKIP() << "needs two ranks";
  StuckCheck check(test_world());
  const bool is_behind = test_world().rank() + 1 == test_world().size();
  EXPECT_FALSE(waits_in_vain(check, is_behind ? "the sum of step 2" : "the sum of step 3"));
  test_world().barrier("test");
  EXPECT_EQ(waits_in_vain(check, "the sum of step 3"), test_world().is_leader());
}

}  // namespace
}  // namespace incubate
