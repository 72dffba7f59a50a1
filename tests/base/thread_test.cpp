#include "base/thread.h"

#include <atomic>
#include <stdexcept>

#include <gtest/gtest.h>

#include "support/thrown_message.h"

namespace incubate {
namespace {

TEST(Thread, IsStarted) {
  std::atomic<bool> has_run = false;
  start_thread("a thread", [&has_run] { has_run = true; }).join();
  EXPECT_TRUE(has_run);
  EXPECT_NO_THROW(try_threads("threads", 20));
}

TEST(Thread, TheLimitIsNamedIfNoneCanBeStarted) {
  const std::string message = thrown_message<std::runtime_error>([] {
    reject_thread("thread 3 of data.workers=8", std::make_error_code(std::errc::resource_unavailable_try_again));
  });
  EXPECT_TRUE(message.starts_with("thread 3 of data.workers=8 cannot be started: Resource temporarily unavailable. "))
      << message;
  EXPECT_NE(message.find("(ulimit -u)"), std::string::npos) << message;
}

}  // namespace
}  // namespace incubate
