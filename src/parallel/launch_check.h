#pragma once

#include <map>
#include <optional>
#include <string>

#include "parallel/communicator.h"

namespace incubate {

/// Names and values of a process's environment.
using Environment = std::map<std::string, std::string>;
Environment current_environment();

/// Why a job's tasks cannot be, or are not, the ranks of one world.
struct LaunchMistake {
  std::string message;   ///< includes the remedy
  bool is_first = true;  ///< true if this task prints the message for all tasks
};

/// Returns the mistake, before MPI starts, that srun started several tasks without any PMI* or PMIX* variable, which
/// MPI needs to find the other tasks. Open MPI would end every task with a page of advice. A batch script outside a
/// step has no SLURM_STEP_NUM_TASKS and passes.
std::optional<LaunchMistake> find_missing_launcher(const Environment& environment);

/// Returns whether this process answers a call that needs no MPI for all tasks of its launcher. If the launcher's
/// variables are inherited from elsewhere, each process answers. `parent` is the parent process's name.
bool speaks_for_tasks(const Environment& environment, const std::string& parent);
/// Returns the name of the program that started this process.
std::string parent_name();

/// Returns the mistake, after MPI has started, that several tasks each see only themselves, so each would do all the
/// work. Compares the number of ranks with the number of tasks in the environment: OMPI_COMM_WORLD_SIZE of mpirun, else
/// PMI_SIZE of MPICH and its kin, else that of Slurm's step.
std::optional<LaunchMistake> find_launch_mistake(int world_size, const Environment& environment);

/// Throws AgreedInputError if find_launch_mistake() finds one, or ranks run different builds. Collective over `world`.
void check_launch(const Communicator& world);

/// Returns what this program and its LibTorch are, for a comparison of ranks.
std::string build_text();

/// Throws AgreedInputError, naming a rank, unless `text` is the same on all ranks. `what` is that rank's and begins the
/// message, such as "runs another program". Collective over `world`.
void check_alike(const Communicator& world, const std::string& text, const std::string& what,
                 const std::string& remedy);

}  // namespace incubate
