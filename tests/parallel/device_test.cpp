#include "parallel/device.h"

#include <cstdlib>

#include <gtest/gtest.h>

#include "gpu/cuda_answer.h"
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

TEST(Device, EveryRankTakesAGpuOfItsOwnOrNoneDoes) {
  const Communicator& world = test_world();
  const AvailableDevice available = gpu_if_all_have_one(world);
  if (available.device.is_cuda()) {
    EXPECT_EQ(available.warning, "");
    EXPECT_EQ(require_gpu(world), available.device);
    return;
  }
  // deal_gpus() has its own tests: here its words arrive in both messages.
  const std::string message = thrown_message<AgreedInputError>([&] { require_gpu(world); });
  if (ask_cuda().runtime_version == 0) {
    EXPECT_EQ(message,
              "run.device=cuda, but this program was built without CUDA. Build it with -DINCUBATE_CUDA=ON, or give "
              "run.device=cpu.");
    return;
  }
  EXPECT_TRUE(message.starts_with("run.device=cuda, but ")) << message;
  EXPECT_TRUE(message.ends_with(
      ". Start one rank a GPU, with equal --ntasks-per-node and --gpus-per-node, or give run.device=cpu."))
      << message;
  const std::string why = message.substr(21, message.find(". Start one rank a GPU") - 21);
  if (available.warning.empty()) return;
  EXPECT_TRUE(available.warning.starts_with("run.device=auto takes the CPU: " + why)) << available.warning;
}

TEST(Device, TheCpuIsTakenWithAWarningWhereSlurmHasGpus) {
  setenv("SLURM_GPUS_ON_NODE", "4", 1);
  const AvailableDevice available = gpu_if_all_have_one(test_world());
  unsetenv("SLURM_GPUS_ON_NODE");
  if (available.device.is_cuda()) return;
  EXPECT_NE(available.warning.find("in spite of SLURM_GPUS_ON_NODE=4"), std::string::npos) << available.warning;
}

}  // namespace
}  // namespace incubate
