#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "base/clock.h"
#include "run/run_context.h"
#include "run/training_files.h"
#include "schedule/round.h"
#include "train/train_together.h"

namespace incubate {

/// Returns a report that carries a message about one training or all.
StatusReport text_report(StatusReport::Event event, std::int64_t training, const std::string& text);

/// One training in a round. The group's leader accesses files and shares their content with the other ranks.
class TrainingRun {
 public:
  /// `from_step` counts the steps done before the round.
  TrainingRun(const RunContext& context, const Assignment& assignment, std::int64_t from_step, std::int64_t first_rank,
              ProcessGroup& group, const SendReport& send_report);

  /// Loads weights or a checkpoint. Shares frozen stages with those of `runs` that have begun before.
  void begin(const std::deque<TrainingRun>& runs);
  Participant participant();
  /// Waits until everything is written, reports it, and updates `progress`.
  void end(TrainingProgress& progress);

 private:
  void share_frozen_stages(const std::deque<TrainingRun>& runs);
  void load_weights();
  void resume();
  void on_step(const StepRow& row);
  double last_communication_wait();
  double step_s(const StepRow& row) const {
    return static_cast<double>(context_.config.batch.global) / row.images_per_s;
  }
  void save();
  void on_end();
  bool is_checkpoint_due() const;
  void update_round();
  Figures figures() const;
  StatusReport make_report(StatusReport::Event event) const;
  double micro_batch_s() const;
  /// Ranks times seconds so far; earlier runs may have had another number of ranks.
  double rank_s() const { return resumed_rank_s_ + ((account_->elapsed_s() - resumed_elapsed_s_) * group_.size()); }

  const RunContext& context_;
  std::int64_t index_;
  const Training& training_;
  std::int64_t from_step_;
  std::int64_t until_step_;
  ProcessGroup& group_;
  const SendReport& send_report_;
  std::unique_ptr<const Task> task_;
  StagedModel model_;
  TrainingFiles files_;
  std::optional<Trainer> trainer_;  // made once the model has its weights
  std::optional<TrainingAccount> account_;
  RoundRow round_;
  std::int64_t resumed_step_ = 0;
  double resumed_elapsed_s_ = 0;
  double resumed_rank_s_ = 0;
  StatusReport last_report_;  // repeated during long work without steps
  Stopwatch watch_;
  Stopwatch since_checkpoint_;
};

}  // namespace incubate
