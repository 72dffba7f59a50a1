#include "parallel/gpu_choice.h"

#include <gtest/gtest.h>

namespace incubate {
namespace {

using Gpus = std::vector<std::string>;
using Indices = std::vector<int>;

/// Returns ranks 0, 1, ... on the hosts, each with the GPUs that CUDA shows.
std::vector<GpuView> ranks_that_see(const std::vector<std::pair<std::string, Gpus>>& ranks) {
  std::vector<GpuView> views;
  for (const auto& [host, gpus] : ranks) {
    const std::string name = "rank " + std::to_string(views.size()) + " on " + host;
    views.push_back(view_gpus(name, host, {.gpus = gpus, .driver_version = 13000, .runtime_version = 13000}, {}, 0));
  }
  return views;
}

TEST(GpuChoice, RanksThatSeeAllGpusTakeThemInTurn) {
  const Gpus both = {"17:00", "65:00"};
  EXPECT_EQ(deal_gpus(ranks_that_see({{"a", both}, {"a", both}, {"b", both}, {"b", both}})).gpu_of_rank,
            (Indices{0, 1, 0, 1}));
  // There are more GPUs than ranks.
  EXPECT_EQ(deal_gpus(ranks_that_see({{"a", both}})).gpu_of_rank, (Indices{0}));
}

TEST(GpuChoice, OneVisibleGpuARankIsItsOwn) {
  // --gpus-per-task=1: each rank's GPU is CUDA's first.
  const GpuDeal deal = deal_gpus(ranks_that_see({{"a", {"17:00"}}, {"a", {"65:00"}}, {"b", {"17:00"}}}));
  EXPECT_EQ(deal.gpu_of_rank, (Indices{0, 0, 0}));
  EXPECT_EQ(deal.obstacle, "");
}

TEST(GpuChoice, RanksThatSeePartsOfANodeTakeWhatNoOtherHas) {
  const Gpus left = {"17:00", "65:00"}, right = {"98:00", "e3:00"};
  EXPECT_EQ(deal_gpus(ranks_that_see({{"a", left}, {"a", left}, {"a", right}, {"a", right}})).gpu_of_rank,
            (Indices{0, 1, 0, 1}));
}

TEST(GpuChoice, RanksThatShareAGpuHaveNone) {
  const std::vector<GpuView> views = ranks_that_see({{"a", {"17:00", "65:00"}}, {"b", {"17:00"}}, {"b", {"17:00"}}});
  const GpuDeal deal = deal_gpus(views);
  EXPECT_EQ(deal.obstacle, "2 ranks on b see 1 GPU (one rank a GPU)");
  EXPECT_TRUE(deal.gpu_of_rank.empty());
  EXPECT_TRUE(has_sign_of_gpus(views));
}

TEST(GpuChoice, TheFirstRankWithoutAGpuIsNamed) {
  const std::vector<GpuView> views = ranks_that_see({{"a", {"17:00"}}, {"b", {}}, {"c", {}}});
  EXPECT_EQ(deal_gpus(views).obstacle, "rank 1 on b can use no GPU, since CUDA finds none (2 of 3 ranks)");
  EXPECT_TRUE(has_sign_of_gpus(views));
}

TEST(GpuChoice, AMachineWithoutGpusIsNoFault) {
  EXPECT_FALSE(has_sign_of_gpus({view_gpus("rank 0 on a", "a", {}, {{"SLURM_JOB_ID", "7"}}, 0)}));
}

/// Returns the message of one rank that can use no GPU.
std::string obstacle(const CudaAnswer& cuda, const Environment& environment, int num_device_files = 0) {
  return deal_gpus({view_gpus("rank 0 on a", "a", cuda, environment, num_device_files)}).obstacle;
}

TEST(GpuChoice, GpusThatCannotBeUsedAreExplained) {
  EXPECT_EQ(obstacle({.runtime_version = 13000}, {{"SLURM_GPUS_ON_NODE", "4"}}),
            "rank 0 on a can use no GPU in spite of SLURM_GPUS_ON_NODE=4, since no NVIDIA driver is loaded");
  EXPECT_EQ(obstacle({.error = "CUDA driver version is insufficient for CUDA runtime version",
                      .driver_version = 12020,
                      .runtime_version = 13000},
                     {}, 8),
            "rank 0 on a can use no GPU in spite of 8 device files /dev/nvidia*, since its NVIDIA driver knows CUDA "
            "12.2, this program needs 13.0: have the driver updated");
  EXPECT_EQ(obstacle({.error = "system not yet initialized", .driver_version = 13000, .runtime_version = 13000},
                     {{"CUDA_VISIBLE_DEVICES", "0,1"}}),
            "rank 0 on a can use no GPU in spite of CUDA_VISIBLE_DEVICES=0,1, since CUDA says 'system not yet "
            "initialized'");
  EXPECT_EQ(obstacle({.driver_version = 13010, .runtime_version = 13000},
                     {{"CUDA_VISIBLE_DEVICES", "-1"}, {"SLURM_STEP_GPUS", "0"}}, 1),
            "rank 0 on a can use no GPU in spite of 1 device files /dev/nvidia*, since CUDA_VISIBLE_DEVICES=-1 leaves "
            "none");
  EXPECT_EQ(obstacle({}, {{"SLURM_GPUS_ON_NODE", "4"}}),
            "rank 0 on a can use no GPU in spite of SLURM_GPUS_ON_NODE=4, since this program was built without CUDA");
}

TEST(GpuChoice, SignsOfGpusAreSlurmsCudasAndDeviceFiles) {
  const auto has_sign = [](const Environment& environment, int num_device_files) {
    return has_sign_of_gpus({view_gpus("rank 0 on a", "a", {}, environment, num_device_files)});
  };
  for (const char* name : {"SLURM_GPUS", "SLURM_GPUS_PER_TASK", "SLURM_GPUS_PER_NODE", "SLURM_JOB_GPUS",
                           "SLURM_STEP_GPUS", "CUDA_VISIBLE_DEVICES"}) {
    EXPECT_TRUE(has_sign({{name, "2"}}, 0)) << name;
    EXPECT_FALSE(has_sign({{name, ""}}, 0)) << name;
  }
  EXPECT_FALSE(has_sign({{"SLURM_GPUS", "0"}}, 0));
  EXPECT_FALSE(has_sign({{"CUDA_VISIBLE_DEVICES", "NoDevFiles"}}, 0));
  EXPECT_TRUE(has_sign({}, 1));
}

}  // namespace
}  // namespace incubate
