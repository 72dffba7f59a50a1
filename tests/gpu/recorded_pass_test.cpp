#include "gpu/recorded_pass.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

namespace incubate {
namespace {

// Three calls launch the kernels, the fourth records them, the others replay them: each with its own input.
TEST(RecordedPass, GivesTheFunctionOfEachInputAndLeavesUndefinedOnesSo) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "no GPU";
  int num_calls = 0;
  RecordedPass pass([&](const RecordedPass::Tensors& in) {
    ++num_calls;
    EXPECT_FALSE(in[1].defined());
    return RecordedPass::Tensors{in[0] * 2, in[0] + in[2], {}};
  });
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(pass.is_recorded(), i > 3);
    const torch::Tensor x = torch::full({4}, i, torch::kCUDA);
    const RecordedPass::Tensors results = pass({x, {}, x + 1});
    EXPECT_TRUE(torch::equal(results[0], x * 2)) << i;
    EXPECT_TRUE(torch::equal(results[1], (x * 2) + 1)) << i;
    EXPECT_FALSE(results[2].defined());
  }
  EXPECT_EQ(num_calls, 4);
}

}  // namespace
}  // namespace incubate
