#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/figures.h"

namespace incubate {

/// The cost of a network. NaN: unknown, as for imported weights and what starts from them.
struct Cost {
  double block_flops = 0;
  double rank_s = 0;           ///< wall-clock time times ranks, summed over trainings
  double wall_s = 0;           ///< time in which at least one of the rounds ran
  double critical_path_s = 0;  ///< wall-clock time if every incubation had its own ranks
};

enum class TrainingState { waiting, running, done };

struct TrainingSummary {
  std::string name;
  std::string phase;
  TrainingState state = TrainingState::waiting;
  std::int64_t step = 0;
  std::int64_t total_steps = 0;
  std::int64_t skipped_steps = 0;  ///< completed steps with a loss or gradient that was not finite
  std::int64_t num_ranks = 0;
  Figures evaluation;  ///< only when done
  double block_flops = 0;
  double elapsed_s = 0;
  double rank_s = 0;
  bool is_own = true;     ///< whether this job trains it; not stored
  bool is_chosen = true;  ///< not stored; the file omits trainings that are neither chosen nor begun
};

/// The time between two plans. Its job and its start identify it.
struct RoundSummary {
  std::string phase;
  std::vector<std::string> trainings;
  std::int64_t num_ranks = 0;
  std::string job;
  double began_s = 0;  ///< since the Unix epoch
  double elapsed_s = 0;
  double idle = 0;  ///< fraction of the round's rank-seconds without training
};

/// The state of a job of the run.
struct JobSummary {
  std::string state = "running";  ///< running, stopped, done, failed, lost (killed, or its node is gone)
  std::string reason;             ///< why it ended
  std::int64_t num_ranks = 0;
  std::vector<std::string> arithmetic =
      {};                    ///< kinds of its ranks; with more than one its weights are not reproducible
  std::string updated = {};  ///< UTC time of the last save; empty before the first
};

/// A line of the result table.
struct ResultRow {
  std::string method;
  Figures evaluation;
  Cost cost;
};

/// The state of a run, kept in summary.json for people and scripts. Concurrent jobs of a run share the file; each has
/// its own RunSummary.
struct RunSummary {
  std::string job = "all";  ///< this job: "all", or the only training that it runs
  std::map<std::string, JobSummary> jobs;
  std::vector<TrainingSummary> trainings;
  std::vector<RoundSummary> rounds;

  JobSummary& own() { return jobs[job]; }
  TrainingSummary& training(const std::string& name);
  bool is_done(const std::string& training) const;

  /// Returns the state of all jobs: running if any is, else failed, lost or stopped if any is, else done.
  std::string state() const;
  /// Returns a row for each method that is done.
  std::vector<ResultRow> results() const;

  /// Returns the file's content; nullopt if the file is missing, unreadable, older than this layout or invalid.
  static std::optional<RunSummary> load(const std::filesystem::path& path);
  /// Takes over from the file, if load() can read it, everything that is not this job's: other jobs, their rounds, and
  /// trainings that are not own. Another running job that has not saved for five minutes is lost. A training known to
  /// be done stays done. Rounds of this job's earlier starts are taken over too. Trainings keep their order, and a last
  /// round of this job stays last. Before its first save "all" drops the other jobs, but not their rounds, because it
  /// holds every training's lock.
  void take_over(const std::filesystem::path& path);
  /// Replaces the file, after take_over(). If another job is suspended for seconds while it saves, the file may lack
  /// what this job writes until this job saves again.
  void save(const std::filesystem::path& path);
};

/// Returns the table for a person: a row for each method, a column for each metric.
std::string format_results(const std::vector<MetricInfo>& metrics, const std::vector<ResultRow>& rows);

/// Returns the time, rounded down to a second, such as "2026-01-31T12:00:00Z".
std::string utc_text(double unix_s);

}  // namespace incubate
