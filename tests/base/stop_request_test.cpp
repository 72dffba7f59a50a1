#include "base/stop_request.h"

#include <csignal>
#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "base/unix_time.h"

namespace incubate {
namespace {

void set_time_left(double seconds) {
  setenv("SLURM_JOB_END_TIME", std::to_string(static_cast<long>(unix_now_s() + seconds)).c_str(), 1);
}

TEST(StopRequest, TheEndOfTheJobsTimeCounts) {
  EXPECT_EQ(find_stop_request(120), "");
  set_time_left(130);
  EXPECT_EQ(find_stop_request(120), "");
  set_time_left(110);
  EXPECT_EQ(find_stop_request(120), "the end of the job's time");
  setenv("SLURM_JOB_END_TIME", "UNLIMITED", 1);
  EXPECT_EQ(find_stop_request(120), "");
  unsetenv("SLURM_JOB_END_TIME");
}

// A signal is remembered for good, so each has a process of its own.
void expect_caught(int signal, const std::string& name) {
  EXPECT_EXIT(
      {
        catch_stop_signals();
        std::raise(signal);
        std::_Exit(find_stop_request(120) == name ? 0 : 1);
      },
      testing::ExitedWithCode(0), "")
      << name;
}

TEST(StopRequest, SignalsAreRemembered) {
  expect_caught(SIGTERM, "SIGTERM");
  expect_caught(SIGUSR1, "SIGUSR1");
  expect_caught(SIGUSR2, "SIGUSR2");
}

TEST(StopRequest, SignalsEndAProcessThatDoesNotCatchThem) {
  EXPECT_EXIT(std::raise(SIGUSR1), testing::KilledBySignal(SIGUSR1), "");
}

}  // namespace
}  // namespace incubate
