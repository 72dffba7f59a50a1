#pragma once

#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/stopwatch.h"
#include "checkpoint/run_directory.h"
#include "method/training.h"
#include "report/progress.h"
#include "report/summary.h"
#include "run/run_context.h"
#include "schedule/planner.h"

namespace incubate {

/// Rank 0's account of a run: progress for the person at the terminal, summary.json, log.txt.
class RunRecorder {
 public:
  /// `metrics` are what an evaluation has figures of, in the order of StatusReport::evaluation.
  RunRecorder(const RunConfig& config, const RunDirectory& run, const std::vector<Training>& trainings,
              std::vector<MetricInfo> metrics, std::int64_t num_train_images, int num_ranks, Log& log);
  ~RunRecorder();
  RunRecorder(const RunRecorder&) = delete;
  RunRecorder& operator=(const RunRecorder&) = delete;

  /// Whether summary.json has all that this job could write, as it has nothing left to do.
  static bool is_recorded(const RunConfig& config, const RunDirectory& run, const std::vector<Training>& trainings);

  /// Notes that an earlier job has done a training: what summary.json says of it counts, and if it does not know, the
  /// figures of its weights (none: they are gone). Other trainings wait.
  void add_finished(std::int64_t index, const Figures& figures);

  void begin_round(const std::string& phase, const RoundPlan& plan);
  void on_report(std::span<const std::byte> bytes);
  /// `busy_rank_s`: the rank-seconds in which groups were at work.
  void end_round(double busy_rank_s);
  /// The last word: state and reason go to summary.json and the log.
  void end_run(const std::string& state, const std::string& reason);
  /// The same of a run that is about to end with an error. Throws nothing if the files cannot be written: that may be
  /// the error itself, and must not take its place.
  void fail(const std::string& reason);

  /// The rows of the result table, with what earlier starts and other jobs have recorded.
  std::vector<ResultRow> results();
  /// The same as text.
  std::string result_table() { return format_results(metrics_, results()); }

 private:
  void show(const StatusReport& report);
  void note_resumed(const TrainingSummary& training);
  void note_done(const StatusReport& report, TrainingSummary& training);
  void refresh();

  const RunConfig& config_;
  const RunDirectory& run_;
  const std::vector<Training>& trainings_;
  std::vector<MetricInfo> metrics_;
  std::int64_t num_train_;
  Log& log_;
  Progress progress_;
  RunSummary summary_;
  std::set<std::string> was_seen_;  // trainings that this job has reported on
  bool in_round_ = false;
  Stopwatch round_watch_;
  Stopwatch since_refresh_;
};

}  // namespace incubate
