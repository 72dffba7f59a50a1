#include "run/log_start.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/version.h>

#include "base/short_number.h"
#include "base/version.h"
#include "checkpoint/run_directory.h"
#include "forecast/cost_model.h"
#include "hdf5/file.h"
#include "parallel/device.h"
#include "parallel/gpu_collectives.h"
#include "parallel/mpi_session.h"

namespace incubate {
namespace {

const char* precision_text(Precision precision) { return precision == Precision::bf16 ? "bf16" : "fp32"; }

std::int64_t count_wanted(const RunConfig& config, const std::vector<Training>& trainings, Phase phase) {
  return std::ranges::count_if(trainings, [&](const Training& t) { return t.phase == phase && is_wanted(config, t); });
}

}  // namespace

void log_environment(const RunConfig& config, const Communicator& world, torch::Device device, Log& log) {
  log.info(fmt::format("incubate {} ({}{}), LibTorch {}, {}, {}, HDF5 {}", kVersion, kGitSha1, kGitChanges,
                       TORCH_VERSION, gpu_library_versions(), mpi_library_version(), hdf5_version()));
  const std::vector<std::string> hosts = world.hosts();
  const auto count = [](std::size_t number, const char* what) {
    return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
  };
  log.info(fmt::format("{} on {}, {} each, {}, {}, {} sums", count(hosts.size(), "rank"),
                       count(std::set(hosts.begin(), hosts.end()).size(), "node"), count(config.run.threads, "thread"),
                       describe_device(device), precision_text(config.run.precision), to_string(sums_of(config.run))));
  for (int rank = 0; rank < world.size(); ++rank) log.record(world.member_name(rank));
}

void log_peak_flops(const RunConfig& config, double peak_flops, Log& log) {
  const bool is_given = config.run.peak_tflops > 0;
  log.record(fmt::format("{}: {} a rank in {}", is_given ? "peak, as given" : "matrix products",
                         short_number(peak_flops, "FLOP/s"), precision_text(config.run.precision)));
}

void log_plan(const RunConfig& config, const DatasetInfo& data, const std::vector<Training>& trainings,
              const std::vector<TrainingProgress>& progress, Log& log) {
  log.info(fmt::format("data: {} training and {} validation images of {}x{}x{} in {} classes, {}", data.num_train,
                       data.num_validation, data.height, data.width, data.channels, data.class_names.size(),
                       config.data.file));
  Training target = trainings.front();
  target.spec = target_spec(config.model);
  const std::string kind = config.model.family == Family::vit ? "vision transformer" : "residual network";
  log.info(fmt::format("network: {}, {} parameters, {} blocks in stages of {} (meta model: {})",
                       config.model.preset == "custom" ? kind : config.model.preset,
                       short_number(static_cast<double>(num_parameters(target)), ""), target.spec.num_blocks(),
                       fmt::join(config.model.depths, ", "), fmt::join(config.model.meta_depths, ", ")));
  log.info(fmt::format("log: {}", RunDirectory(config.run.directory).log().string()));
  for (std::size_t i = 0; i < trainings.size(); ++i) {
    const Training& training = trainings[i];
    if (!is_wanted(config, training)) continue;
    const std::vector<std::string> parents = training.parents();
    std::string state = "done by an earlier job";
    if (!progress[i].is_done()) {
      state = fmt::format("{} steps of {} images in {} micro-batches, {} done{}", training.total_steps,
                          config.batch.global, micro_batches_of(config, training.phase), progress[i].steps_done,
                          parents.empty() ? "" : fmt::format(", after {}", fmt::join(parents, ", ")));
    }
    log.record(fmt::format("plan: {}: {}", training.name, state));
  }
}

void warn_of_idle_ranks(const RunConfig& config, const std::vector<Training>& trainings, int num_ranks, Log& log) {
  for (const MethodRow& row : kMethodTable) {
    const Phase phase = row.phase;
    const std::int64_t count = count_wanted(config, trainings, phase);
    const std::int64_t useful = count * micro_batches_of(config, phase);
    if (count == 0 || num_ranks <= useful) continue;
    log.warn(fmt::format("{}: {} of {} ranks idle: batch.global={} has {} micro-batches of {}", to_string(phase),
                         num_ranks - useful, num_ranks, config.batch.global, micro_batches_of(config, phase),
                         config.phase(phase).micro));
  }
}

void warn_of_unrecorded(const RunConfig& config, const std::vector<Training>& trainings, Log& log) {
  for (const MethodRow& row : kMethodTable) {
    const Phase phase = row.phase;
    const double drop_path = config.phase(phase).drop_path;
    if (!config.run.cuda_graph || drop_path == 0 || count_wanted(config, trainings, phase) == 0) continue;
    log.warn(
        fmt::format("{0}: run.cuda_graph=true does nothing with {0}.drop_path={1}, which drops other branches in "
                    "every step. Give --{0}.drop_path=0 to have passes recorded.",
                    to_string(phase), drop_path));
  }
}

}  // namespace incubate
