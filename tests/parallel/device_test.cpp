#include "parallel/device.h"

#include <gtest/gtest.h>
#include <torch/cuda.h>

#include "support/test_world.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

// The tests run on one host.
TEST(Device, PlaceWithinTheNodeCountsRanksOfTheSameHost) {
  const NodePlace place = place_within_node(test_world());
  EXPECT_EQ(place.rank, test_world().rank());
  EXPECT_EQ(place.size, test_world().size());
}

TEST(Device, RanksTakeGpusWhereThereAreEnoughForAll) {
  const Communicator& world = test_world();
  const auto visible = static_cast<int>(torch::cuda::is_available() ? torch::cuda::device_count() : 0);
  const bool all_have_one = visible >= world.size();
  const torch::Device device = gpu_if_all_have_one(world);
  EXPECT_EQ(device.is_cuda(), all_have_one);
  if (all_have_one) {
    EXPECT_EQ(device.index(), world.rank());
    EXPECT_EQ(require_gpu(world), device);
  } else if (visible != 1) {
    EXPECT_EQ(thrown_message<InputError>([&] { require_gpu(world); }),
              "run.device=cuda, but " + std::to_string(world.size()) + " ranks share " + std::to_string(visible) +
                  " visible GPUs on the host of " + world.member_name(0) +
                  " (one rank a GPU). Start with equal --ntasks-per-node and --gpus-per-node, or give run.device=cpu.");
  }
}

}  // namespace
}  // namespace incubate
