#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "checkpoint/run_directory.h"
#include "config/run_config.h"
#include "method/training.h"
#include "schedule/round.h"

namespace incubate {

/// A checkpoint to resume from.
struct ResumePoint {
  FilePath path;
  CheckpointHeader header;
};

/// Returns the latest intact checkpoint of `training` after at most `latest_step` steps; nothing if there is none. Does
/// not read older ones. Calls `warn` for each damaged or unreadable one it passes over; a file that vanishes meanwhile
/// does not count. Throws InputError if all are damaged or unreadable, or if one has another identity or a newer format
/// or is being changed.
std::optional<ResumePoint> find_resume_point(const RunDirectory& run, const Training& training,
                                             std::int64_t latest_step, VerifiedFiles& verified,
                                             const std::function<void(const std::string& message)>& warn);

/// A training's progress by the files of the run.
struct FoundProgress {
  TrainingProgress progress;
  Figures figures = {};                          ///< of the finished weights; empty before
  std::vector<std::int64_t> resume_points = {};  ///< steps of the checkpoints found
  std::vector<std::string> arithmetic = {};      ///< of the checkpoint found
  std::vector<std::string> warnings = {};
};

/// Returns the progress of `training` by its files. Throws as find_resume_point() does, and InputError if the finished
/// weights are damaged.
FoundProgress find_progress(const RunDirectory& run, const Training& training, VerifiedFiles& verified);

/// Returns whether the files are still those of `found`, judged by their names.
bool is_as_found(const RunDirectory& run, const Training& training, const FoundProgress& found);

/// Returns the progress of each of `trainings`. Reads this job's trainings, and the finished weights of their parents
/// if a training is not done; other trainings count as not begun. Missing finished weights count as done if no
/// unfinished training starts from them. Otherwise throws InputError, unless run.only names the training. Throws as
/// find_progress() does, too.
std::vector<FoundProgress> find_all_progress(const RunConfig& config, const RunDirectory& run,
                                             const std::vector<Training>& trainings, VerifiedFiles& verified);

}  // namespace incubate
