#include "parallel/stuck_check.h"

#include <memory>
#include <thread>

#include <gtest/gtest.h>

#include "parallel/idle_wait.h"
#include "support/test_world.h"

namespace incubate {
namespace {

/// The device's progress with a collective.
struct Progress {
  bool has_begun = true;
  bool is_over = false;
};

std::shared_ptr<Progress> add(StuckCheck& check, const std::string& name, double patience_s = 0.05) {
  auto progress = std::make_shared<Progress>();
  check.add({.name = name,
             .patience_s = patience_s,
             .has_begun = [progress] { return progress->has_begun; },
             .is_over = [progress] { return progress->is_over; }});
  return progress;
}

/// Returns the message that a rank waiting for its device gets within half a second.
std::string wait_in_vain(StuckCheck& check, double seconds = 0.5) {
  IdleWait idle;
  while (idle.waited_s() < seconds) {
    if (const auto stuck = check.find_stuck()) return *stuck;
    idle.pause();
  }
  check.go_on();
  return "";
}

bool is_last() { return test_world().rank() + 1 == test_world().size(); }

std::string at_leader(const std::string& text) { return test_world().is_leader() ? text : ""; }

TEST(StuckCheck, TheLeaderLearnsThatAllAreStuck) {
  StuckCheck check(test_world());
  add(check, "the sum of step 3");
  const std::string stuck =
      fmt::format("the sum of step 3 is stuck: its {} ranks have waited in it for 0 s and none of them is late.",
                  test_world().size());
  EXPECT_EQ(wait_in_vain(check), at_leader(stuck));
}

TEST(StuckCheck, WhatIsToldAtTheEndComesToNoOther) {
  for (int i = 0; i < 200; ++i) {
    StuckCheck check(test_world());
    add(check, "the sum of step 3", 0);
    if (test_world().is_leader()) continue;
    EXPECT_FALSE(check.find_stuck());
  }
  StuckCheck check(test_world());
  add(check, "the sum of step 4", test_world().is_leader() ? 0 : 60);
  EXPECT_EQ(wait_in_vain(check, 0.1).empty(), test_world().size() > 1 || !test_world().is_leader());
}

// One of two callers may be autograd's thread, and only the main thread may call MPI.
TEST(StuckCheck, OnAnotherThreadNothingIsToldOrFound) {
  StuckCheck check(test_world());
  add(check, "the sum of step 3", 0);
  std::thread([&check] { EXPECT_EQ(wait_in_vain(check, 0.1), ""); }).join();
  test_world().barrier("test");
  EXPECT_EQ(wait_in_vain(check).empty(), !test_world().is_leader());
}

TEST(StuckCheck, IsPatient) {
  StuckCheck check(test_world());
  add(check, "the sum of step 3", 60);
  EXPECT_EQ(wait_in_vain(check), "");
}

TEST(StuckCheck, TheTimeInAnotherCollectiveDoesNotCount) {
  StuckCheck check(test_world());
  const auto first = add(check, "the sum of step 3", 0.4);
  add(check, "the sum of step 4", 0.4);
  EXPECT_EQ(wait_in_vain(check, 0.3), "");
  first->is_over = true;
  EXPECT_EQ(wait_in_vain(check, 0.3), "");
}

TEST(StuckCheck, ALateRankIsNoStuckSum) {
  if (test_world().size() == 1) GTEST_SKIP() << "needs two ranks";
  StuckCheck check(test_world());
  if (!is_last()) {
    add(check, "the sum of step 3");
    EXPECT_EQ(wait_in_vain(check), "");
  }
  test_world().barrier("test");
}

TEST(StuckCheck, ARankWhoseDeviceHasOtherWorkIsLate) {
  StuckCheck check(test_world());
  add(check, "the sum of step 3")->has_begun = !is_last();
  EXPECT_EQ(wait_in_vain(check), "");
}

TEST(StuckCheck, ARankThatHasGoneOnIsLate) {
  if (test_world().size() == 1) GTEST_SKIP() << "needs two ranks";
  StuckCheck check(test_world());
  const auto first = add(check, "the sum of step 3");
  if (is_last()) {
    wait_in_vain(check, 0.2);  // tells that it waits for too long
    first->is_over = true;
    EXPECT_EQ(wait_in_vain(check, 0.1), "");
  }
  test_world().barrier("test");
  if (!is_last()) {
    first->is_over = true;
    add(check, "the sum of step 4");
    EXPECT_EQ(wait_in_vain(check), "");
  }
  test_world().barrier("test");
}

TEST(StuckCheck, ARankThatIsStuckInAnEarlierOneIsNamed) {
  if (test_world().size() == 1) GTEST_SKIP() << "needs two ranks";
  StuckCheck check(test_world());
  add(check, "the first weights")->is_over = !is_last();
  add(check, "the sum of step 0");
  const std::string stuck = wait_in_vain(check);
  EXPECT_EQ(stuck.substr(0, stuck.find(':')), at_leader("the sum of step 0 is stuck"));
  EXPECT_TRUE(
      stuck.ends_with(at_leader(test_world().member_name(test_world().size() - 1) + " is still in an earlier one.")))
      << stuck;
  test_world().barrier("test");
}

}  // namespace
}  // namespace incubate
