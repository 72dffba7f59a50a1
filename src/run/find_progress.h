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

/// Returns the latest intact checkpoint of `training` after at most `latest_step` steps; nothing if there is none.
/// Reads none that is older. Tells `warn` of each damaged or unreadable one that it passes over; one that goes
/// meanwhile was never there. Throws InputError if all are damaged or unreadable, or if one is of another identity or a
/// newer format, or is being changed by another program.
std::optional<ResumePoint> find_resume_point(const RunDirectory& run, const Training& training,
                                             std::int64_t latest_step, VerifiedFiles& verified,
                                             const std::function<void(const std::string& message)>& warn);

/// What the files of a run say of a training.
struct FoundProgress {
  TrainingProgress progress;
  Figures figures = {};                          ///< those of its finished weights; none before
  std::vector<std::int64_t> resume_points = {};  ///< steps of those that were there
  std::vector<std::string> warnings = {};
};

/// How far `training` is by its files. Throws as find_resume_point(), and InputError if its finished weights are
/// damaged.
FoundProgress find_progress(const RunDirectory& run, const Training& training, VerifiedFiles& verified);

/// Whether the files are those that `found` was made of, so far as their names tell.
bool is_as_found(const RunDirectory& run, const Training& training, const FoundProgress& found);

/// Returns how far each of `trainings` is. Reads what this job needs: its own trainings, and of their parents the
/// finished weights, where a training is not done; the others count as not begun. Finished weights that are gone count
/// as done if nothing left to do starts from them; else InputError is thrown, unless run.only names the training.
/// Throws as find_progress() too.
std::vector<FoundProgress> find_all_progress(const RunConfig& config, const RunDirectory& run,
                                             const std::vector<Training>& trainings, VerifiedFiles& verified);

}  // namespace incubate
