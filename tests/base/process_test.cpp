#include "base/process.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/ended_process.h"

namespace incubate {
namespace {

long count_page_faults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

TEST(Heap, WhatIsGivenBackIsClaimedAgainWithoutNewPages) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers have a heap of their own";
#endif
  constexpr std::size_t kBytes = 64 << 20;  // more than glibc keeps by itself
  keep_freed_memory();
  const auto use = [] { return std::vector<char>(kBytes, 1).back(); };
  EXPECT_EQ(use(), 1);
  const long before = count_page_faults();
  EXPECT_EQ(use(), 1);
  EXPECT_LT(count_page_faults() - before, 1000);  // of 16,384 pages
}

TEST(OpenFiles, TheLimitIsRaisedAsFarAsTheSystemLetsIt) {
  const rlimit low = {.rlim_cur = 32, .rlim_max = 64};
  EXPECT_EXIT(
      {
        setrlimit(RLIMIT_NOFILE, &low);
        rlimit now = {};
        const bool is_raised = raise_open_files() == 64 && getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_cur == 64;
        std::_Exit(is_raised ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

/// Returns `name` with another last field, the start time.
std::string with_start(const std::string& name, const std::string& start) {
  return name.substr(0, name.rfind('.') + 1) + start;
}

TEST(ProcessName, IsTheSameWhileTheProcessRuns) {
  EXPECT_EQ(process_name(), process_name());
  EXPECT_TRUE(process_name().starts_with(host_name() + ".")) << process_name();
}

TEST(ProcessName, TellsRunningProcessesFromEndedOnes) {
  EXPECT_EQ(find_process(process_name()), ProcessState::running);
  EXPECT_EQ(find_process(ended_process_name()), ProcessState::ended);
}

// A killed process stays a zombie where nobody waits for it, as in a container whose first process does not.
TEST(ProcessName, AZombieHasEnded) {
  const Child child = start_child();
  EXPECT_EQ(find_process(child.name), ProcessState::ended);
  waitpid(child.pid, nullptr, 0);
}

TEST(ProcessName, AnotherProcessWithItsIdDoesNotCount) {
  EXPECT_EQ(find_process(with_start(process_name(), "1")), ProcessState::ended);
}

TEST(ProcessName, ProcessesOfOtherHostsNamespacesAndBootsAreUnknown) {
  const std::string rest = process_name().substr(host_name().size());  // ".NAMESPACE.BOOT.PID.START"
  ASSERT_EQ(std::ranges::count(rest, '.'), 4) << rest;
  EXPECT_EQ(find_process("elsewhere" + rest), ProcessState::unknown);
  EXPECT_EQ(find_process(host_name() + ".1" + rest.substr(rest.find('.', 1))), ProcessState::unknown);
  const std::size_t boot = rest.find('.', 1) + 1;
  std::string other_boot = rest;
  other_boot[boot] = other_boot[boot] == '0' ? '1' : '0';
  EXPECT_EQ(find_process(host_name() + other_boot), ProcessState::unknown);
}

TEST(ProcessName, WhatIsNoNameIsUnknown) {
  const std::string own = process_name();
  for (const std::string& name :
       {std::string(), std::string("x"), own.substr(0, own.rfind('.')), host_name() + "." + std::to_string(getpid())}) {
    EXPECT_EQ(find_process(name), ProcessState::unknown) << name;
  }
}

}  // namespace
}  // namespace incubate
