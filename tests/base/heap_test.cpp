#include "base/heap.h"

#include <vector>

#include <gtest/gtest.h>
#include <sys/resource.h>

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

}  // namespace
}  // namespace incubate
