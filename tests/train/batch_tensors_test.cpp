#include "train/batch_tensors.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

namespace incubate {
namespace {

TEST(BatchTensors, ValuesKeepTheirPlaces) {
  Batch batch{.size = 2, .images = {}, .labels = {3, 4}};
  for (int i = 0; i < 2 * 3 * 2 * 2; ++i) batch.images.push_back(static_cast<float>(i));
  const BatchTensors tensors = to_tensors(batch, 2, torch::kCPU);
  EXPECT_FALSE(tensors.targets.other_labels.defined());
  batch.other_labels = {4, 3};
  batch.label_weight = 0.25;
  const Targets blended = to_tensors(batch, 2, torch::kCPU).targets;
  EXPECT_TRUE(torch::equal(blended.other_labels, torch::tensor({4, 3}, torch::kInt64)));
  EXPECT_EQ(blended.label_weight, 0.25);
  EXPECT_TRUE(torch::equal(tensors.images, torch::arange(24, torch::kFloat32).view({2, 3, 2, 2})));
  EXPECT_TRUE(torch::equal(tensors.targets.labels, torch::tensor({3, 4}, torch::kInt64)));
}

}  // namespace
}  // namespace incubate
