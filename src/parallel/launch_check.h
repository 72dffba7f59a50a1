#pragma once

#include <map>
#include <optional>
#include <string>

#include "parallel/communicator.h"

namespace incubate {

/// Names and values of a process's environment.
using Environment = std::map<std::string, std::string>;
Environment current_environment();

/// Why the tasks of a job cannot be the ranks of one world, or are not.
struct LaunchMistake {
  std::string message;   ///< with the remedy
  bool is_first = true;  ///< whether this task is to say it for all
};

/// Before MPI starts: srun started several tasks (SLURM_STEP_NUM_TASKS; a batch script outside a step has none), and
/// neither it nor an mpirun offers them what MPI needs to find the others (any PMI* or PMIX* variable). Open MPI would
/// end every task with a page of advice of its own.
std::optional<LaunchMistake> find_missing_launcher(const Environment& environment);

/// Returns whether this process answers a call that needs no MPI: one for all tasks that a launcher started. Where the
/// launcher's variables have been inherited from elsewhere, each process is on its own. `parent`: its parent's name.
bool speaks_for_tasks(const Environment& environment, const std::string& parent);
/// Name of the program that started this process.
std::string parent_name();

/// When MPI has started: something started several tasks, but MPI does not know of the others, so that each would do
/// all the work for itself. Compares the number of ranks with that of the tasks, as the environment states it: mpirun's
/// (OMPI_COMM_WORLD_SIZE), else that of MPICH and its kin (PMI_SIZE), else that of Slurm's step.
std::optional<LaunchMistake> find_launch_mistake(int world_size, const Environment& environment);

/// Throws AgreedInputError if there is such a mistake.
void check_launch(const Communicator& world);

}  // namespace incubate
