#include "train/batch_tensors.h"

#include <vector>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "train/batch_memory.h"

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
  EXPECT_TRUE(torch::equal(blended.label_weights, torch::tensor({0.25F, 0.75F})));
  EXPECT_TRUE(torch::equal(tensors.images, torch::arange(24, torch::kFloat32).view({2, 3, 2, 2})));
  EXPECT_TRUE(torch::equal(tensors.targets.labels, torch::tensor({3, 4}, torch::kInt64)));
}

// Copies from page-locked memory may still run when the batch is dropped: the next one must not lie in its place yet.
TEST(BatchTensors, ABatchMayBeDroppedWhileItIsCopiedToTheGpu) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "no GPU";
  constexpr std::int64_t kBatches = 50, kSide = 224;
  const torch::Device gpu = torch::kCUDA;
  std::vector<BatchTensors> copies;
  for (std::int64_t i = 0; i < kBatches; ++i) {
    Batch batch{.size = 32,
                .images = std::pmr::vector<float>(32 * 3 * kSide * kSide, static_cast<float>(i), batch_memory(gpu)),
                .labels = std::pmr::vector<std::int64_t>(32, i, batch_memory(gpu))};
    EXPECT_TRUE(torch::from_blob(batch.images.data(), {1}).is_pinned());
    copies.push_back(to_tensors(batch, kSide, gpu));
  }
  for (std::int64_t i = 0; i < kBatches; ++i) {
    EXPECT_TRUE((copies[i].images == i).all().item<bool>()) << i;
    EXPECT_TRUE((copies[i].targets.labels == i).all().item<bool>()) << i;
  }
}

}  // namespace
}  // namespace incubate
