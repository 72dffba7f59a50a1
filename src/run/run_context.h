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

/// Objects shared by all trainings of a run. They outlive the run.
struct RunContext {
  const RunConfig& config;
  const RunDirectory& run;
  const std::vector<Training>& trainings;
  const std::map<std::string, std::string>& lock_tokens;  ///< of trainings that this job may write
  const Dataset& train;
  const Dataset& validation;
  BackgroundWriter& writer;
  VerifiedFiles& verified;                     ///< files verified at the job's start, and by this rank in this round
  const std::vector<std::string>& arithmetic;  ///< kinds of the job's ranks
  double peak_flops = 0;                       ///< FLOP/s that a rank can reach, mean over ranks; 0: unknown
};

/// A training's state, sent by its group's leader to rank 0.
struct StatusReport {
  /// waiting: alive, but no step is complete (evaluation, writing a file). paused: ended for this round. note: only for
  /// the log.
  enum class Event : std::int32_t { step, waiting, resumed, paused, done, note, warning, failed };
  Event event = Event::step;
  std::int32_t training = 0;  ///< index of the training
  std::int32_t num_ranks = 0;
  std::int64_t step = 0;           ///< completed steps
  std::int64_t skipped_steps = 0;  ///< included in `step`
  double loss = 0;
  double images_per_s = 0;
  double data_wait = 0;  ///< share of the last step's time spent waiting for images
  /// Share of the previous step's time spent summing gradients; NaN: unknown.
  double communication_wait = 0;
  double left_s = 0;
  double elapsed_s = 0;
  double rank_s = 0;
  std::array<double, 8> evaluation{};  ///< when done: the figures in the order of the task's metrics
  std::array<char, 512> text{};        ///< of a note, warning or failure; zero-terminated
};
using SendReport = std::function<void(const StatusReport& report)>;

}  // namespace incubate
