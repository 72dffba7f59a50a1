#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "checkpoint/background_writer.h"
#include "checkpoint/run_directory.h"
#include "config/run_config.h"
#include "hdf5/verified_file.h"
#include "method/training.h"
#include "vision/dataset.h"

namespace incubate {

/// What every training of a run shares. References outlive the run.
struct RunContext {
  const RunConfig& config;
  const RunDirectory& run;
  const std::vector<Training>& trainings;
  const std::map<std::string, std::string>& lock_tokens;  ///< of the trainings this job may write
  const Dataset& train;
  const Dataset& validation;
  BackgroundWriter& writer;
  VerifiedFiles& verified;  ///< those of the job's start, and by this rank in this round
  double peak_flops = 0;    ///< FLOP/s that a rank can reach, mean over the ranks; 0: not known
};

/// How a training stands, sent by its group's leader to rank 0.
struct StatusReport {
  /// waiting: alive, but no step is done (an evaluation, a file being written); paused: the round is over for it; note:
  /// for the log only.
  enum class Event : std::int32_t { step, waiting, resumed, paused, done, note, warning, failed };
  Event event = Event::step;
  std::int32_t training = 0;  ///< index
  std::int32_t num_ranks = 0;
  std::int64_t step = 0;           ///< steps done
  std::int64_t skipped_steps = 0;  ///< of them
  double loss = 0;
  double images_per_s = 0;
  double data_wait = 0;  ///< part of the last step's time in which images were not there yet
  /// Part of the time of the step before that, in which gradients were summed; NaN: not known.
  double communication_wait = 0;
  double left_s = 0;
  double elapsed_s = 0;
  double rank_s = 0;
  std::array<double, 8> evaluation{};  ///< when done: the figures in the order of the task's metrics
  std::array<char, 512> text{};        ///< of a note, warning or failure; ends with a zero
};
using SendReport = std::function<void(const StatusReport& report)>;

}  // namespace incubate
