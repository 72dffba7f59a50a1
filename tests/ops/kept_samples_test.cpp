#include "ops/kept_samples.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "support/device_waits.h"

namespace incubate {
namespace {

TEST(KeptSamples, AreThoseWhoseFactorIsNotZero) {
  const torch::Tensor factors = torch::tensor({{0.0F, 1.5F, 0.0F, 2.0F}, {0.5F, 0.0F, 0.0F, 0.0F}});
  const std::vector<KeptSamples> kept = keep_samples(factors, torch::kCPU);
  ASSERT_EQ(kept.size(), 2);
  EXPECT_TRUE(torch::equal(kept[0].samples, torch::tensor({1, 3})));
  EXPECT_TRUE(torch::equal(kept[0].places, torch::tensor({-1, 0, -1, 1})));
  EXPECT_TRUE(torch::equal(kept[0].factors, torch::tensor({1.5F, 2.0F})));
  EXPECT_TRUE(torch::equal(kept[1].samples, torch::tensor({0})));
  EXPECT_TRUE(torch::equal(kept[1].places, torch::tensor({0, -1, -1, -1})));
  EXPECT_TRUE(torch::equal(kept[1].factors, torch::tensor({0.5F})));
  for (std::int64_t i = 0; i < 2; ++i) EXPECT_TRUE(torch::equal(kept[i].factors_of_all, factors[i]));
}

TEST(KeptSamples, MayBeNoneOrAll) {
  const std::vector<KeptSamples> kept = keep_samples(torch::tensor({{0.0F, 0.0F}, {1.0F, 1.0F}}), torch::kCPU);
  EXPECT_TRUE(kept[0].has_none());
  EXPECT_FALSE(kept[1].has_none());
  EXPECT_TRUE(KeptSamples().has_all());
  EXPECT_TRUE(keep_samples({}, torch::kCPU).empty());
}

TEST(KeptSamples, ABlockHasTwoEntries) {
  const std::vector<KeptSamples> kept = keep_samples(torch::rand({3, 2, 4}), torch::kCPU);
  const KeptBranches last = branches_of(kept, 1, 2);
  EXPECT_EQ(last.data(), kept.data() + 2);
  EXPECT_EQ(last.size(), 4);
  EXPECT_TRUE(branches_of({}, 1, 2).empty());
  EXPECT_THROW(branches_of(kept, 2, 2), c10::Error);
}

// One copy is enough for any number of branches. (tests/train/step_on_gpu_test.cpp tests copies to a GPU.)
TEST(KeptSamples, GoToTheDeviceInOneCopy) {
  std::vector<KeptSamples> kept;
  const std::vector<std::string> copies = list_device_waits([&] {
    kept = keep_samples(torch::rand({12, 2, 8}), torch::kMeta);
  });
  EXPECT_EQ(copies, std::vector<std::string>{"aten::to"});
  for (const KeptSamples& k : kept) {
    for (const torch::Tensor& tensor : {k.samples, k.places, k.factors, k.factors_of_all})
      EXPECT_TRUE(tensor.is_meta());
  }
}

}  // namespace
}  // namespace incubate
