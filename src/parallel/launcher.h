#pragma once

#include <functional>
#include <optional>
#include <string>

namespace incubate {

/// Why the tasks of a job are all alone: something started several, but MPI does not know of the others, so that each
/// would do all the work for itself.
struct LaunchMistake {
  std::string message;   ///< with the remedy
  bool is_first = true;  ///< whether this task is to say it for all
};

/// Compares the number of ranks with that of the tasks, as the environment states it: mpirun's (OMPI_COMM_WORLD_SIZE),
/// else that of MPICH and its kin (PMI_SIZE), else that of Slurm's step (SLURM_STEP_NUM_TASKS; a batch script outside a
/// step has none). `get` returns a variable's value or null, as std::getenv does.
std::optional<LaunchMistake> find_launch_mistake(int world_size, const std::function<const char*(const char*)>& get);

}  // namespace incubate
