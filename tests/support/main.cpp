#include <cstdio>

#include <gtest/gtest.h>

/// Runs the tests; a run in which no test ran fails, so that a mistyped filter cannot pass.
int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const int status = RUN_ALL_TESTS();
  const testing::UnitTest& tests = *testing::UnitTest::GetInstance();
  if (!testing::GTEST_FLAG(list_tests) && tests.successful_test_count() + tests.failed_test_count() == 0) {
    std::fprintf(stderr, "no test ran\n");
    return 1;
  }
  return status;
}
