#include "base/stop_request.h"

#include <csignal>
#include <cstdlib>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "base/clock.h"

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
  EXPECT_NEAR(find_job_time_left_s(), 110, 5);
  setenv("SLURM_JOB_END_TIME", "UNLIMITED", 1);
  EXPECT_EQ(find_stop_request(120), "");
  unsetenv("SLURM_JOB_END_TIME");
  EXPECT_EQ(find_job_time_left_s(), std::numeric_limits<double>::infinity());
}

/// Signals may be ignored where tests run, as behind nohup or in the background.
void catch_signals() {
  for (const int signal : {SIGINT, SIGHUP}) std::signal(signal, SIG_DFL);
  catch_stop_signals();
}

// A signal is remembered for good, so each signal has its own process.
void expect_caught(int signal, const std::string& name) {
  EXPECT_EXIT(
      {
        catch_signals();
        std::raise(signal);
        std::_Exit(find_stop_request(120) == name ? 0 : 1);
      },
      testing::ExitedWithCode(0), "")
      << name;
}

TEST(StopRequest, SignalsAreRemembered) {
  expect_caught(SIGINT, "SIGINT");
  expect_caught(SIGHUP, "SIGHUP");
  expect_caught(SIGTERM, "SIGTERM");
  expect_caught(SIGUSR1, "SIGUSR1");
  expect_caught(SIGUSR2, "SIGUSR2");
}

TEST(StopRequest, TheFirstSignalIsTheReason) {
  EXPECT_EXIT(
      {
        catch_signals();
        std::raise(SIGHUP);
        std::raise(SIGTERM);
        std::_Exit(find_stop_request(120) == "SIGHUP" ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST(StopRequest, ASecondInterruptEndsTheProcess) {
  EXPECT_EXIT(
      {
        catch_signals();
        std::raise(SIGTERM);
        std::raise(SIGINT);
        if (find_stop_request(120).empty()) std::_Exit(1);
        std::raise(SIGINT);
      },
      testing::KilledBySignal(SIGINT), "");
}

TEST(StopRequest, WhatIsIgnoredFromTheStartStaysIgnored) {
  EXPECT_EXIT(
      {
        std::signal(SIGHUP, SIG_IGN);
        std::signal(SIGINT, SIG_IGN);
        std::signal(SIGUSR1, SIG_IGN);  // jobscripts/train.sbatch does this until the program has started
        catch_stop_signals();
        std::raise(SIGHUP);
        std::raise(SIGINT);
        std::raise(SIGINT);
        if (!find_stop_request(120).empty()) std::_Exit(1);
        std::raise(SIGUSR1);
        std::_Exit(find_stop_request(120) == "SIGUSR1" ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST(StopRequest, AReaderThatIsGoneAndALimitOfSizeEndNothing) {
  EXPECT_EXIT(
      {
        ignore_write_signals();
        std::raise(SIGPIPE);
        std::raise(SIGXFSZ);
        std::_Exit(find_stop_request(120).empty() ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST(StopRequest, SignalsEndAProcessThatDoesNotCatchThem) {
  EXPECT_EXIT(std::raise(SIGUSR1), testing::KilledBySignal(SIGUSR1), "");
}

}  // namespace
}  // namespace incubate
