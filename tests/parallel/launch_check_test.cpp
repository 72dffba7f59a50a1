#include "parallel/launch_check.h"

#include <cstdlib>

#include <gtest/gtest.h>

namespace incubate {
namespace {

TEST(Launcher, SeveralTasksWithARankEachAreAMistake) {
  const auto mistake = find_launch_mistake(1, {{"SLURM_STEP_NUM_TASKS", "4"}, {"SLURM_PROCID", "0"}});
  ASSERT_TRUE(mistake.has_value());
  EXPECT_TRUE(mistake->message.starts_with("srun started 4 tasks but MPI sees 1 rank in each ("));
  EXPECT_TRUE(mistake->is_first);
  EXPECT_FALSE(find_launch_mistake(1, {{"SLURM_STEP_NUM_TASKS", "4"}, {"SLURM_PROCID", "3"}})->is_first);
  EXPECT_TRUE(
      find_launch_mistake(1, {{"PMI_SIZE", "2"}, {"PMI_RANK", "0"}})->message.starts_with("mpiexec started 2 tasks "));
  EXPECT_TRUE(find_launch_mistake(1, {{"OMPI_COMM_WORLD_SIZE", "2"}})->message.starts_with("mpirun started 2 tasks "));
}

TEST(Launcher, WhatMpiKnowsOfIsNone) {
  EXPECT_FALSE(find_launch_mistake(1, {}).has_value());
  EXPECT_FALSE(find_launch_mistake(4, {{"SLURM_STEP_NUM_TASKS", "4"}}).has_value());
  EXPECT_FALSE(find_launch_mistake(1, {{"SLURM_STEP_NUM_TASKS", "1"}}).has_value());
  EXPECT_FALSE(find_launch_mistake(1, {{"SLURM_NTASKS", "4"}}).has_value());  // a batch script, which is one process
  // mpirun -n 1 within a step: mpirun is nearer.
  EXPECT_FALSE(find_launch_mistake(1, {{"SLURM_STEP_NUM_TASKS", "4"}, {"OMPI_COMM_WORLD_SIZE", "1"}}).has_value());
  // More ranks than the step's tasks: mpirun starts one daemon a node there, and the ranks itself.
  EXPECT_FALSE(find_launch_mistake(8, {{"SLURM_STEP_NUM_TASKS", "2"}, {"OMPI_COMM_WORLD_SIZE", "8"}}).has_value());
}

TEST(Launcher, TasksOfSrunWithoutAWayToConnectAreAMistake) {
  const auto mistake = find_missing_launcher({{"SLURM_STEP_NUM_TASKS", "4"}, {"SLURM_PROCID", "0"}});
  ASSERT_TRUE(mistake.has_value());
  EXPECT_EQ(
      mistake->message,
      "srun started 4 tasks without a way for MPI to connect them. Start them with 'srun --mpi=pmix' ('srun "
      "--mpi=list' shows what there is), or with the mpirun of the MPI library that this program was built with.");
  EXPECT_TRUE(mistake->is_first);
  EXPECT_FALSE(find_missing_launcher({{"SLURM_STEP_NUM_TASKS", "4"}, {"SLURM_PROCID", "3"}})->is_first);
}

TEST(Launcher, WhoeverHasALauncherMayStartMpi) {
  EXPECT_FALSE(find_missing_launcher({}).has_value());
  EXPECT_FALSE(find_missing_launcher({{"SLURM_STEP_NUM_TASKS", "1"}}).has_value());
  EXPECT_FALSE(find_missing_launcher({{"SLURM_NTASKS", "4"}}).has_value());  // a batch script
  for (const char* name : {"PMIX_RANK", "PMI_FD", "PMI_RANK", "OMPI_COMM_WORLD_SIZE"}) {
    EXPECT_FALSE(find_missing_launcher({{"SLURM_STEP_NUM_TASKS", "4"}, {name, "1"}}).has_value()) << name;
  }
}

TEST(Launcher, TheFirstTaskSpeaksForAllOfALauncher) {
  for (const char* rank : {"0", "2"}) {
    const bool is_first = std::string(rank) == "0";
    const Environment mpirun = {{"OMPI_COMM_WORLD_SIZE", "4"}, {"OMPI_COMM_WORLD_RANK", rank}};
    EXPECT_EQ(speaks_for_tasks(mpirun, "mpirun"), is_first);
    EXPECT_EQ(speaks_for_tasks(mpirun, "orted"), is_first);
    EXPECT_TRUE(speaks_for_tasks(mpirun, "bash"));  // the variables are left over
    const Environment step = {{"SLURM_STEP_NUM_TASKS", "4"}, {"SLURM_PROCID", rank}};
    EXPECT_TRUE(speaks_for_tasks(step, "slurmstepd"));  // tasks without a way to connect
    Environment pmix = step;
    pmix["PMIX_RANK"] = rank;
    EXPECT_EQ(speaks_for_tasks(pmix, "slurmstepd"), is_first);
  }
  EXPECT_TRUE(speaks_for_tasks({}, "mpirun"));
  EXPECT_TRUE(speaks_for_tasks({}, parent_name()));
  EXPECT_FALSE(parent_name().empty());
}

TEST(Launcher, EnvironmentIsThatOfTheProcess) {
  setenv("INCUBATE_TEST", "a=b", 1);
  EXPECT_EQ(current_environment().at("INCUBATE_TEST"), "a=b");
  unsetenv("INCUBATE_TEST");
}

}  // namespace
}  // namespace incubate
