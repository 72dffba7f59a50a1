#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "report/meters.h"

namespace incubate {

/// What it takes to come by a network.
struct Cost {
  double block_flops = 0;
  double rank_s = 0;           ///< wall-clock times ranks, summed over trainings
  double wall_s = 0;           ///< of the rounds, as they ran
  double critical_path_s = 0;  ///< wall-clock if every incubation had ranks of its own
};

enum class TrainingState { waiting, running, done };

struct TrainingSummary {
  std::string name;
  std::string phase;
  TrainingState state = TrainingState::waiting;
  std::int64_t step = 0;
  std::int64_t total_steps = 0;
  std::int64_t num_ranks = 0;
  Evaluation evaluation;  ///< when done
  double block_flops = 0;
  double elapsed_s = 0;
  double rank_s = 0;
};

/// The time between two deals of ranks.
struct RoundSummary {
  std::string phase;
  std::vector<std::string> trainings;
  std::int64_t num_ranks = 0;
  std::string began;  ///< UTC
  double elapsed_s = 0;
};

/// A line of the result table.
struct ResultRow {
  std::string method;
  Evaluation evaluation;
  Cost cost;
};

/// The state of a run, kept in summary.json for people and scripts.
struct RunSummary {
  std::string state = "running";  ///< running, stopped, done, failed
  std::string reason;             ///< why it ended
  std::int64_t num_ranks = 0;
  std::vector<TrainingSummary> trainings;
  std::vector<RoundSummary> rounds;

  TrainingSummary& training(const std::string& name);

  /// Deep Incubation, end to end, and the meta model on its own: those that are done.
  std::vector<ResultRow> results() const;
  /// Replaces the file.
  void save(const std::filesystem::path& path) const;
  /// The rounds of an earlier summary; none if there is no readable file.
  static std::vector<RoundSummary> load_rounds(const std::filesystem::path& path);
};

/// The table for a person, one row a method.
std::string format_results(const std::vector<ResultRow>& rows);

/// "2026-01-31T12:00:00Z".
std::string utc_now();

}  // namespace incubate
