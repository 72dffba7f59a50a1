#include "base/open_files.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace incubate {
namespace {

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

}  // namespace
}  // namespace incubate
