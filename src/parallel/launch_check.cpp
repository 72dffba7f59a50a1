#include "parallel/launch_check.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <string_view>

#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <fmt/format.h>
#include <torch/version.h>
#include <unistd.h>

#include "base/version.h"

namespace incubate {
namespace {

struct Launcher {
  const char* name;
  const char* size;
  const char* rank;
};

constexpr Launcher kMpirun{"mpirun", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"};
constexpr Launcher kMpiexec{"mpiexec", "PMI_SIZE", "PMI_RANK"};
constexpr Launcher kSrun{"srun", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID"};
constexpr std::array kLaunchers = {kMpirun, kMpiexec, kSrun};  // the nearest first

/// The programs whose children are tasks: mpirun on its own host, its daemons on others, and Slurm's.
constexpr std::array<std::string_view, 8> kStarters = {"mpirun",  "mpiexec", "orterun",         "orted",
                                                       "prterun", "prted",   "hydra_pmi_proxy", "slurmstepd"};

constexpr const char* kRemedy =
    "Start them with 'srun --mpi=pmix' ('srun --mpi=list' shows what there is), or with the mpirun of the MPI library "
    "that this program was built with.";

int number_in(const Environment& environment, const char* name, int if_missing) {
  const auto found = environment.find(name);
  return found == environment.end() ? if_missing : std::atoi(found->second.c_str());
}

bool is_first_of(const Launcher& launcher, const Environment& environment) {
  return number_in(environment, launcher.rank, 0) == 0;
}

}  // namespace

Environment current_environment() {
  Environment environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t name_end = text.find('=');
    if (name_end == std::string_view::npos) continue;
    environment.emplace(text.substr(0, name_end), text.substr(name_end + 1));
  }
  return environment;
}

std::optional<LaunchMistake> find_missing_launcher(const Environment& environment) {
  const int num_tasks = number_in(environment, kSrun.size, 1);
  const bool has_launcher =
      environment.contains(kMpirun.size) || std::ranges::any_of(environment, [](const auto& item) {
        return item.first.starts_with("PMI");  // PMIX_ too
      });
  if (num_tasks <= 1 || has_launcher) return std::nullopt;
  return LaunchMistake{
      .message = fmt::format("srun started {} tasks without a way for MPI to connect them. {}", num_tasks, kRemedy),
      .is_first = is_first_of(kSrun, environment)};
}

bool speaks_for_tasks(const Environment& environment, const std::string& parent) {
  if (find_missing_launcher(environment) || std::ranges::count(kStarters, parent) == 0) return true;
  const auto launcher =
      std::ranges::find_if(kLaunchers, [&](const Launcher& l) { return environment.contains(l.size); });
  return launcher == kLaunchers.end() || is_first_of(*launcher, environment);
}

std::string parent_name() {
  std::ifstream file(fmt::format("/proc/{}/comm", getppid()));
  std::string name;
  std::getline(file, name);
  return name;
}

std::optional<LaunchMistake> find_launch_mistake(int world_size, const Environment& environment) {
  for (const Launcher& launcher : kLaunchers) {
    if (!environment.contains(launcher.size)) continue;
    const int num_tasks = number_in(environment, launcher.size, 1);
    if (world_size > 1 || num_tasks <= 1) return std::nullopt;
    return LaunchMistake{
        .message = fmt::format(
            "{} started {} tasks but MPI sees 1 rank in each (every one would do all the work for itself, on the same "
            "files). {}",
            launcher.name, num_tasks, kRemedy),
        .is_first = is_first_of(launcher, environment)};
  }
  return std::nullopt;
}

std::string build_text() {
  Dl_info library{};
  std::uintmax_t bytes = 0;
  // A build of the same version for other processors or with other libraries has another size.
  if (dladdr(reinterpret_cast<const void*>(&at::get_num_threads), &library) != 0) {
    std::error_code ignored;
    bytes = std::filesystem::file_size(library.dli_fname, ignored);
  }
  return fmt::format("incubate {} ({}{}), LibTorch {} of {} bytes", kVersion, kGitSha1, kGitChanges, TORCH_VERSION,
                     bytes);
}

void check_alike(const Communicator& world, const std::string& text, const std::string& what,
                 const std::string& remedy) {
  const std::string first = world.broadcast(text, "comparing the ranks");
  agree(world, [&] {
    check_input(text == first, "{} {}: '{}', and {} '{}'. {}", world.member_name(world.rank()), what, text,
                world.member_name(0), first, remedy);
  });
}

void check_launch(const Communicator& world) {
  const auto mistake = find_launch_mistake(world.size(), current_environment());
  if (mistake) throw AgreedInputError(mistake->is_first ? mistake->message : "");
  check_alike(
      world, build_text(), "runs another build of the program",
      "Their results differ: build once, and let every node run that (an old copy, or the cache of a file system "
      "that has not seen the new one yet?).");
}

}  // namespace incubate
