#pragma once

#include <vector>

#include <c10/core/Device.h>

#include "base/log.h"
#include "config/run_config.h"
#include "method/training.h"
#include "parallel/communicator.h"
#include "schedule/round.h"
#include "vision/dataset.h"

namespace incubate {

/// What log.txt says before work starts.

/// Versions of the program and its libraries, device, and the host of each rank.
void log_environment(const RunConfig& config, const Communicator& world, torch::Device device, Log& log);

/// What a rank can compute in a second at most, measured or given.
void log_peak_flops(const RunConfig& config, double peak_flops, Log& log);

/// The data, and of each training that is wanted: its steps, those done by earlier jobs, and what it waits for.
void log_plan(const RunConfig& config, const DatasetInfo& data, const std::vector<Training>& trainings,
              const std::vector<TrainingProgress>& progress, Log& log);

/// Ranks beyond the number of micro-batches have nothing to do: a warning for each such phase.
void warn_of_idle_ranks(const RunConfig& config, const std::vector<Training>& trainings, int num_ranks, Log& log);

/// With stochastic depth `run.cuda_graph` records nothing: a warning for each such phase.
void warn_of_unrecorded(const RunConfig& config, const std::vector<Training>& trainings, Log& log);

}  // namespace incubate
