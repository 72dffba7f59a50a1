#include "parallel/launcher.h"

#include <map>

#include <gtest/gtest.h>

namespace incubate {
namespace {

using Environment = std::map<std::string, std::string>;

std::optional<LaunchMistake> find(int world_size, const Environment& environment) {
  return find_launch_mistake(world_size, [&environment](const char* name) {
    const auto found = environment.find(name);
    return found == environment.end() ? nullptr : found->second.c_str();
  });
}

TEST(Launcher, SeveralTasksWithARankEachAreAMistake) {
  const auto mistake = find(1, {{"SLURM_STEP_NUM_TASKS", "4"}, {"SLURM_PROCID", "0"}});
  ASSERT_TRUE(mistake.has_value());
  EXPECT_TRUE(mistake->message.starts_with("srun started 4 tasks but MPI sees 1 rank in each ("));
  EXPECT_TRUE(mistake->is_first);
  EXPECT_FALSE(find(1, {{"SLURM_STEP_NUM_TASKS", "4"}, {"SLURM_PROCID", "3"}})->is_first);
  EXPECT_TRUE(find(1, {{"PMI_SIZE", "2"}, {"PMI_RANK", "0"}})->message.starts_with("mpiexec started 2 tasks "));
  EXPECT_TRUE(find(1, {{"OMPI_COMM_WORLD_SIZE", "2"}})->message.starts_with("mpirun started 2 tasks "));
}

TEST(Launcher, WhatMpiKnowsOfIsNone) {
  EXPECT_FALSE(find(1, {}).has_value());
  EXPECT_FALSE(find(4, {{"SLURM_STEP_NUM_TASKS", "4"}}).has_value());
  EXPECT_FALSE(find(1, {{"SLURM_STEP_NUM_TASKS", "1"}}).has_value());
  EXPECT_FALSE(find(1, {{"SLURM_NTASKS", "4"}}).has_value());  // a batch script, which is one process
  // mpirun -n 1 within a step: mpirun is nearer.
  EXPECT_FALSE(find(1, {{"SLURM_STEP_NUM_TASKS", "4"}, {"OMPI_COMM_WORLD_SIZE", "1"}}).has_value());
  // More ranks than the step's tasks: mpirun starts one daemon a node there, and the ranks itself.
  EXPECT_FALSE(find(8, {{"SLURM_STEP_NUM_TASKS", "2"}, {"OMPI_COMM_WORLD_SIZE", "8"}}).has_value());
}

}  // namespace
}  // namespace incubate
