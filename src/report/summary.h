#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/figures.h"

namespace incubate {

/// What it takes to come by a network. NaN: unknown, as after an import of weights that it starts from.
struct Cost {
  double block_flops = 0;
  double rank_s = 0;           ///< wall-clock times ranks, summed over trainings
  double wall_s = 0;           ///< in which at least one of the rounds ran
  double critical_path_s = 0;  ///< wall-clock if every incubation had ranks of its own
};

enum class TrainingState { waiting, running, done };

struct TrainingSummary {
  std::string name;
  std::string phase;
  TrainingState state = TrainingState::waiting;
  std::int64_t step = 0;
  std::int64_t total_steps = 0;
  std::int64_t skipped_steps = 0;  ///< of those done: a loss or gradient was not finite
  std::int64_t num_ranks = 0;
  Figures evaluation;  ///< when done
  double block_flops = 0;
  double elapsed_s = 0;
  double rank_s = 0;
  bool is_own = true;     ///< whether this job trains it; not in the file
  bool is_chosen = true;  ///< not in the file, which leaves out what is not chosen unless it has begun
};

/// The time between two deals of ranks. Its job and its beginning tell it from every other.
struct RoundSummary {
  std::string phase;
  std::vector<std::string> trainings;
  std::int64_t num_ranks = 0;
  std::string job;
  double began_s = 0;  ///< since the Unix epoch
  double elapsed_s = 0;
  double idle = 0;  ///< fraction of the round's rank-seconds in which nothing was trained
};

/// How a job that works, or worked, on the run stands.
struct JobSummary {
  std::string state = "running";  ///< running, stopped, done, failed
  std::string reason;             ///< why it ended
  std::int64_t num_ranks = 0;
  std::vector<std::string> arithmetic =
      {};                    ///< kinds of its ranks; with more than one its weights are not reproducible
  std::string updated = {};  ///< UTC; when it last saved, empty before that
};

/// A line of the result table.
struct ResultRow {
  std::string method;
  Figures evaluation;
  Cost cost;
};

/// The state of a run, kept in summary.json for people and scripts. Jobs that work on one run at the same time share
/// the file; each has its own RunSummary.
struct RunSummary {
  std::string job = "all";  ///< this one: "all", or the training that it runs alone
  std::map<std::string, JobSummary> jobs;
  std::vector<TrainingSummary> trainings;
  std::vector<RoundSummary> rounds;

  JobSummary& own() { return jobs[job]; }
  TrainingSummary& training(const std::string& name);
  bool is_done(const std::string& training) const;

  /// Of the jobs together: running if any is, else failed if any did, else stopped if any was, else done.
  std::string state() const;
  /// Of each method that is done.
  std::vector<ResultRow> results() const;

  /// Returns the file's content; nothing if it is missing, unreadable, older than this layout or says what cannot be.
  static std::optional<RunSummary> load(const std::filesystem::path& path);
  /// Takes over from the file, if load() can read it, what is not this job's: other jobs, their rounds, trainings that
  /// are not own (but not those known here to be done, there not yet). The rounds of this job's earlier starts come
  /// back too. Trainings keep their places, and a round of this job that was last stays last. Before its first save
  /// "all", which holds every training's lock, forgets the other jobs, not their rounds.
  void take_over(const std::filesystem::path& path);
  /// Replaces the file, after taking over from it. Where another job was stopped for
  /// seconds while it saved, what this one writes may stay out of the file until it saves again.
  void save(const std::filesystem::path& path);
};

/// The table for a person, one row a method, with a column for each of the metrics.
std::string format_results(const std::vector<MetricInfo>& metrics, const std::vector<ResultRow>& rows);

/// "2026-01-31T12:00:00Z", the second begun.
std::string utc_text(double unix_s);

}  // namespace incubate
