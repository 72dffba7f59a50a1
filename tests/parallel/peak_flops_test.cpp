#include "parallel/peak_flops.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "base/clock.h"
#include "support/test_world.h"

namespace incubate {
namespace {

TEST(PeakFlops, IsWhatAMatrixProductReachesAndTheSameOnEveryRank) {
  const Stopwatch watch;
  const double peak = measure_peak_flops(torch::kCPU, torch::kFloat32, test_world());
  EXPECT_GT(peak, 1e8);
  EXPECT_LT(peak, 1e14);
  const std::vector<std::string> all = test_world().gather(fmt::format("{}", peak), "comparing");
  for (const std::string& text : all) EXPECT_EQ(text, all.front());
  EXPECT_LT(watch.elapsed_s(), 10);
}

}  // namespace
}  // namespace incubate
