#pragma once

#include <cstddef>
#include <deque>
#include <optional>

#include "report/metrics_file.h"
#include "train/trainer.h"

namespace incubate {

/// The measurements of a training, row by row, from train_together() and the training's files.
class TrainingAccount {
 public:
  /// `trainer` must outlive the account.
  TrainingAccount(const Trainer& trainer, int num_ranks);

  Metrics& metrics() { return metrics_; }
  /// Returns the seconds of this training's wall-clock time, earlier jobs included. In a group with several trainings
  /// this is its part of the time.
  double elapsed_s() const { return elapsed_s_; }

  /// Continues the measurements of an earlier job.
  void resume(Metrics metrics, double elapsed_s);
  /// Adds seconds spent outside steps.
  void add_time(double own_s) { elapsed_s_ += own_s; }
  /// Returns the communication wait for the next step's notes, if there is a new one. Must be called once a step.
  std::optional<std::int64_t> take_communication_wait_ns();
  /// Adds a step that took the group `step_s` and this training `own_s`. `reduction_s` is this rank's time in the
  /// reductions of the whole team.
  void add_step(const CompletedStep& step, double step_s, double own_s, double reduction_s);
  void add_evaluation(std::int64_t steps_done, std::int64_t num_samples, const Figures& evaluation);

 private:
  const TrainerSettings& settings_;
  int num_ranks_;
  Metrics metrics_;
  double elapsed_s_ = 0;
  std::optional<double> new_wait_s_;            // of the last row
  std::deque<std::size_t> rows_of_open_steps_;  // rows whose communication wait is in the notes of the open steps
};

}  // namespace incubate
