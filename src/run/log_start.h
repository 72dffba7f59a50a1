#pragma once

#include <string>
#include <vector>

#include <c10/core/Device.h>

#include "base/log.h"
#include "config/run_config.h"
#include "method/training.h"
#include "parallel/communicator.h"
#include "schedule/round.h"
#include "vision/dataset.h"

namespace incubate {

/// The messages before work starts: those for people on the terminal too, the others in log.txt alone.

/// Logs the versions of the program and its libraries, the device, and the host of each rank.
void log_environment(const RunConfig& config, const Communicator& world, torch::Device device, Log& log);

/// Logs the FLOP/s that a rank can reach, measured or configured.
void log_peak_flops(const RunConfig& config, double peak_flops, Log& log);

/// Logs the data, and for each wanted training its steps, the steps of earlier jobs, and what it waits for.
void log_plan(const RunConfig& config, const DatasetInfo& data, const std::vector<Training>& trainings,
              const std::vector<TrainingProgress>& progress, Log& log);

/// Warns of each phase with fewer micro-batches than ranks: the other ranks have nothing to do.
void warn_of_idle_ranks(const RunConfig& config, const std::vector<Training>& trainings, int num_ranks, Log& log);

/// Warns of each phase in which `run.cuda_graph` records nothing because of stochastic depth.
void warn_of_unrecorded(const RunConfig& config, const std::vector<Training>& trainings, Log& log);

}  // namespace incubate
