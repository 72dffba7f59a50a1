#pragma once

#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "checkpoint/run_directory.h"
#include "method/training.h"
#include "report/progress.h"
#include "report/summary.h"
#include "run/run_context.h"
#include "schedule/planner.h"

namespace incubate {

/// Records a run on rank 0: progress on the terminal, summary.json, log.txt.
class RunRecorder {
 public:
  /// `metrics` are what an evaluation has figures of, in the order of StatusReport::evaluation.
  RunRecorder(const RunConfig& config, const RunDirectory& run, const std::vector<Training>& trainings,
              std::vector<MetricInfo> metrics, std::int64_t num_train_images, int num_ranks, Log& log);
  ~RunRecorder();
  RunRecorder(const RunRecorder&) = delete;
  RunRecorder& operator=(const RunRecorder&) = delete;

  /// Returns whether summary.json is complete for this job, which has nothing left to do.
  static bool is_recorded(const RunConfig& config, const RunDirectory& run, const std::vector<Training>& trainings);

  /// Notes a training that an earlier job finished. Its entry in summary.json counts; without an entry, or if it was
  /// never evaluated, the figures of its weights (empty if these are gone). Other trainings wait.
  void add_finished(std::int64_t index, const Figures& figures);

  /// Notes rounds of another run, in which it trained what this one has from it.
  void add_rounds(const std::vector<RoundSummary>& rounds) {
    summary_.rounds.insert(summary_.rounds.end(), rounds.begin(), rounds.end());
  }
  void set_arithmetic(const std::vector<std::string>& kinds) { summary_.own().arithmetic = kinds; }
  void begin_round(const std::string& phase, const RoundPlan& plan);
  void on_report(std::span<const std::byte> bytes);
  /// `busy_rank_s` are the rank-seconds in which groups worked.
  void end_round(double busy_rank_s);
  /// Writes the final state and reason to summary.json and the log.
  void end_run(const std::string& state, const std::string& reason);
  /// Records the end of a run before it ends with an error. Does not throw if the files cannot be written: that may be
  /// the error itself and must not replace it.
  void fail(const std::string& reason);

  /// Returns the result table, including results of earlier starts and other jobs.
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
