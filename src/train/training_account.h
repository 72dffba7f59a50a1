#pragma once

#include <cstddef>
#include <deque>
#include <optional>

#include "report/metrics_file.h"
#include "train/trainer.h"

namespace incubate {

/// What a training took and reached, row by row. It goes by what train_together() and the training's files tell it.
class TrainingAccount {
 public:
  /// `trainer` must outlive the account.
  TrainingAccount(const Trainer& trainer, int num_ranks);

  Metrics& metrics() { return metrics_; }
  /// Seconds of this training's own wall-clock, earlier runs included: where a group carries on several, its part of
  /// the time.
  double elapsed_s() const { return elapsed_s_; }

  /// Continues what an earlier run has left.
  void resume(Metrics metrics, double elapsed_s);
  /// Adds seconds that were spent outside steps.
  void add_time(double own_s) { elapsed_s_ += own_s; }
  /// Returns the communication wait that the next step's notes carry, if there is a new one. To be called once a step.
  std::optional<std::int64_t> take_communication_wait_ns();
  /// Adds a step that took the group `step_s`, of which `own_s` falls to this training. `reduction_s`: what this rank's
  /// reductions took in it, this training's and those of its team.
  void add_step(const CompletedStep& step, double step_s, double own_s, double reduction_s);
  void add_evaluation(std::int64_t steps_done, const Figures& evaluation);

 private:
  const TrainerSettings& settings_;
  int num_ranks_;
  Metrics metrics_;
  double elapsed_s_ = 0;
  std::optional<double> new_wait_s_;            // of the last row
  std::deque<std::size_t> rows_of_open_steps_;  // whose communication wait the notes of each open step carry
};

}  // namespace incubate
