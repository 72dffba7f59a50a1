#include "parallel/launcher.h"

#include <array>
#include <cstdlib>

#include <fmt/format.h>

namespace incubate {
namespace {

struct Launcher {
  const char* name;
  const char* size;
  const char* rank;
};

constexpr std::array kLaunchers = {Launcher{"mpirun", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"},
                                   Launcher{"mpiexec", "PMI_SIZE", "PMI_RANK"},
                                   Launcher{"srun", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID"}};

}  // namespace

std::optional<LaunchMistake> find_launch_mistake(int world_size, const std::function<const char*(const char*)>& get) {
  for (const Launcher& launcher : kLaunchers) {
    const char* size = get(launcher.size);
    if (size == nullptr) continue;
    const int num_tasks = std::atoi(size);
    if (world_size > 1 || num_tasks <= 1) return std::nullopt;
    const char* rank = get(launcher.rank);
    return LaunchMistake{
        .message = fmt::format(
            "{} started {} tasks but MPI sees 1 rank in each (every one would do all the work, on the same files). "
            "Start them with 'srun --mpi=pmix' ('srun --mpi=list' shows what there is), or with the mpirun of the MPI "
            "library that this program was built with.",
            launcher.name, num_tasks),
        .is_first = rank == nullptr || std::atoi(rank) == 0};
  }
  return std::nullopt;
}

}  // namespace incubate
