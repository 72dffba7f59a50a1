#include "parallel/process_group.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "support/group_on_each_device.h"
#include "support/test_world.h"

namespace incubate {
namespace {

using ProcessGroupTest = GroupOnEachDevice;
INCUBATE_TEST_ON_EACH_DEVICE(ProcessGroupTest);

TEST_P(ProcessGroupTest, KnowsItsRanksAndDevice) {
  EXPECT_EQ(group_->rank(), test_world().rank());
  EXPECT_EQ(group_->size(), test_world().size());
  EXPECT_EQ(group_->is_leader(), test_world().rank() == 0);
  EXPECT_EQ(group_->device().type(), GetParam());
}

TEST_P(ProcessGroupTest, TensorsAddUpInPlace) {
  const std::int64_t size = group_->size();
  torch::Tensor integers = torch::full({2, 3}, group_->rank(), torch::dtype(torch::kInt64).device(device()));
  torch::Tensor floats = torch::full({4}, 0.5 * group_->rank(), device());
  group_->all_reduce_sum(integers, "test");
  group_->all_reduce_sum(floats, "test");
  EXPECT_TRUE((integers == size * (size - 1) / 2).all().item<bool>());
  EXPECT_TRUE((floats == 0.25 * static_cast<double>(size * (size - 1))).all().item<bool>());
}

TEST_P(ProcessGroupTest, LeadersTensorsOfAnyTypeReachAll) {
  for (const torch::ScalarType type : {torch::kFloat32, torch::kFloat64, torch::kInt64, torch::kInt32, torch::kUInt8}) {
    torch::Tensor tensor = (torch::arange(6) + (100 * group_->rank())).to(device(), type).view({2, 3});
    group_->broadcast(tensor, "test");
    EXPECT_TRUE(torch::equal(tensor.cpu(), torch::arange(6).to(type).view({2, 3})));
  }
}

// On GPUs a rank that aborts its communicator can take from others what it still sends them.
TEST_P(ProcessGroupTest, AGroupEndsAfterWhatItHasBegun) {
  for (int round = 0; round < 3; ++round) {
    const auto floats = torch::dtype(torch::kFloat32).device(device());
    torch::Tensor values = torch::full({1 << 20}, group_->rank(), floats);
    torch::Tensor shared = torch::full({1 << 20}, group_->rank(), floats);
    group_->all_reduce_sum(values, "test");
    group_->share_values(shared, "test");
    group_.reset();
    SetUp();  // another group in its place
    EXPECT_TRUE((values == 0.5 * group_->size() * (group_->size() - 1)).all().item<bool>());
    EXPECT_EQ(shared.narrow(0, shared.numel() - 1, 1).item<float>(), static_cast<float>(group_->size() - 1));
  }
}

}  // namespace
}  // namespace incubate
