#include <cstdio>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "parallel/mpi_session.h"
#include "support/test_world.h"

namespace incubate {
namespace {

MpiSession* session = nullptr;

/// Prints failures of one rank; rank 0 has gtest's own printer.
class FailurePrinter : public testing::EmptyTestEventListener {
  // gtest holds the lock of its state while it reports a failure, so the test's name is taken down before.
  void OnTestStart(const testing::TestInfo& test) override {
    test_ = std::string(test.test_suite_name()) + "." + test.name();
  }
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (!result.failed()) return;
    std::fprintf(stderr, "%s: %s: %s:%d: %s\n", test_world().member_name(test_world().rank()).c_str(), test_.c_str(),
                 result.file_name() == nullptr ? "?" : result.file_name(), result.line_number(), result.message());
  }

  std::string test_;
};

}  // namespace

Communicator& test_world() { return session->world(); }

}  // namespace incubate

/// Runs the tests on every rank. Fails on all if a test failed on any, or if no test ran.
int main(int argc, char** argv) {
  using namespace incubate;
  testing::InitGoogleTest(&argc, argv);
  MpiSession mpi(&argc, &argv);
  session = &mpi;
  test_world().set_timeout(20);  // a rank that fails before a collective ends the test of the others
  torch::set_num_threads(1);
  if (!test_world().is_leader()) {
    testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new FailurePrinter);
  }
  const int status = RUN_ALL_TESTS();
  const testing::UnitTest& tests = *testing::UnitTest::GetInstance();
  const int num_run = tests.successful_test_count() + tests.failed_test_count();
  std::vector<std::int64_t> counts = {status != 0 ? 1 : 0, num_run};
  test_world().all_reduce_sum(counts, "counting failures");
  if (test_world().is_leader() && counts[1] == 0) std::fprintf(stderr, "no test ran\n");
  if (test_world().is_leader() && counts[0] > 0)
    std::fprintf(stderr, "tests failed on %d ranks\n", static_cast<int>(counts[0]));
  return counts[0] > 0 || counts[1] == 0 ? 1 : 0;
}
