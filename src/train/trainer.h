#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/exact_sum.h"
#include "config/run_config.h"
#include "model/staged_model.h"
#include "parallel/process_group.h"
#include "report/metrics_file.h"
#include "train/flat_parameters.h"
#include "train/gradient_buckets.h"
#include "train/gradient_reducer.h"
#include "train/lr_schedule.h"
#include "train/optimizer.h"
#include "train/recorded_loss.h"
#include "train/task.h"
#include "train/weight_average.h"

namespace incubate {

/// What a training needs to know beside its model.
struct TrainerSettings {
  std::string name;  ///< for messages
  Phase phase = Phase::meta;
  PhaseConfig recipe;
  OptimizerConfig optimizer;
  Sums sums = Sums::exact;
  OnNonfinite on_nonfinite = OnNonfinite::stop;
  std::uint64_t seed = 0;
  std::int64_t global_batch = 0;
  std::int64_t steps_per_epoch = 0;
  std::int64_t total_steps = 0;
  std::int64_t evaluate_every = 1;  ///< epochs
  double block_flops_per_image = 0;
  double peak_flops = 0;  ///< FLOP/s that a rank can reach; 0: not known
  /// Each rank keeps the optimizer's state of its part of the parameters alone, updates that, and sends it to the
  /// others.
  bool shard_optimizer = false;
  /// The figures of a step are read when the next one has been given to the device, so that a GPU never waits for them.
  bool reads_late = false;
  /// The sum of gradients over the ranks begins during the last backward pass. Not where passes are recorded.
  bool overlap_reduction = false;
  /// Passes of a micro-batch are a RecordedLoss, unless there is stochastic depth. REQUIRES: a GPU.
  bool cuda_graph = false;

  std::int64_t micro_batches() const { return global_batch / recipe.micro; }
};

/// The optimisation of one model on one group of ranks, a step at a time (train_together() makes the steps): a
/// deterministic function of (first weights, data, settings), whatever the number of ranks and wherever it was resumed.
/// Construct it when the model has its weights and the right stages are frozen.
class Trainer {
 public:
  Trainer(StagedModel& model, ProcessGroup& group, TrainerSettings settings);

  const TrainerSettings& settings() const { return settings_; }
  StagedModel& model() { return model_; }
  const ClassificationTask& task() const { return task_; }
  FlatParameters& parameters() { return parameters_; }
  Optimizer& optimizer() { return *optimizer_; }
  /// The optimizer's state `index` (see list_state_names()), laid out as the parameters: where it is sharded, a copy of
  /// all parts. Collective over the group.
  torch::Tensor gather_optimizer_state(std::size_t index);
  /// Null without one.
  WeightAverage* average() { return average_ ? &*average_ : nullptr; }
  /// The weights that the training gives so far, laid out as the parameters: their average if there is one.
  torch::Tensor& result() { return average_ ? average_->values() : parameters_.values(); }
  /// Makes the model compute with result(), or with the parameters again. To be called in pairs, without a step
  /// between.
  void swap_result();
  /// Stochastic depth of each block.
  const std::vector<double>& drop_path_rates() const { return drop_path_rates_; }
  Metrics& metrics() { return metrics_; }
  /// Open ones too.
  std::int64_t steps_done() const { return steps_done_; }
  /// How many of the completed ones were skipped; see complete_step().
  std::int64_t steps_skipped() const { return steps_skipped_; }
  /// This training's own wall-clock, earlier runs included: where a group carries on several, its part of the time.
  double elapsed_s() const { return elapsed_s_; }

  /// Continues after `steps_done` steps with this state of the optimizer; parameters and average have been restored.
  void resume(std::int64_t steps_done, std::int64_t steps_skipped, std::span<const torch::Tensor> optimizer_state,
              Metrics metrics, double elapsed_s);

  /// Adds a micro-batch's gradient and, of learning stages, its batch norm statistics. `input` is that of the first
  /// learning stage, `kept` is of the model. `is_last`: of this rank in this step.
  void accumulate(const torch::Tensor& input, const Targets& targets, KeptBranches kept, bool is_last);
  /// Asks all ranks of the group to stop, or save, after this step: see is_stop_agreed() and is_save_agreed().
  void request_stop() { reducer_.request_stop(); }
  void request_save() { reducer_.request_save(); }
  /// Notes for how long this rank waited for the step's images.
  void note_data_wait(double seconds) { reducer_.note_data_wait(seconds); }
  /// Notes how long this rank's reductions took, this training's and those of its team, in the step of the last row; a
  /// later step's reduction brings their mean over the ranks into it.
  void note_communication_wait(double seconds);
  /// Updates weights and running statistics from what all ranks have accumulated. If a loss or gradient of any rank is
  /// not finite, weights, statistics and optimizer stay as they are. Nothing waits for a GPU: complete_step() tells
  /// what came of it. Collective over the group.
  void finish_step();
  /// Steps that were finished, but not completed.
  std::int64_t steps_open() const { return static_cast<std::int64_t>(open_steps_.size()); }
  /// Waits for the first open step, and gives its row; the times are left to record_step(). Where something was not
  /// finite, every rank has skipped the step, or throws std::runtime_error (PeerFailure on all but the leader: one says
  /// it): as the settings say, or because it would be the tenth in a row.
  StepRow complete_step();
  /// How long this rank's reduction of the last completed step took.
  double reduction_s() const { return reduction_s_; }
  /// What was wrong with the last step that was skipped.
  const std::string& nonfinite_message() const { return nonfinite_message_; }
  /// Whether any rank had asked for it before the last completed step, or, for saving, since note_saved(); the same on
  /// all.
  bool is_stop_agreed() const { return is_stop_agreed_; }
  bool is_save_agreed() const { return is_save_agreed_; }
  void note_saved() { is_save_agreed_ = false; }
  /// Notes a step that took the group `step_s`, of which `own_s` falls to this training.
  void record_step(StepRow row, double step_s, double own_s);
  /// Notes what took time but was no step.
  void add_time(double own_s) { elapsed_s_ += own_s; }
  bool is_evaluation_due() const;
  void record_evaluation(const Figures& evaluation);

 private:
  struct OpenStep {
    StepRow row;
    GradientReducer::Pending sums;
    HostCopy gradient_norm;
    std::size_t row_of_wait;  ///< whose communication wait comes with it
  };

  torch::Tensor pass(const torch::Tensor& input, const Targets& targets, KeptBranches kept);
  void wait_for_open_steps();
  void update(const torch::Tensor& gradient_norm, double learning_rate);
  void move_statistics();
  void skip_step(StepRow& row, std::int64_t num_nonfinite);
  [[noreturn]] void fail(const std::string& message) const;
  std::string name_of_sum() const;
  Share own_part();
  Share own_parameters();

  StagedModel& model_;
  ProcessGroup& group_;
  TrainerSettings settings_;
  ClassificationTask task_;
  FlatParameters parameters_;
  std::unique_ptr<Optimizer> optimizer_;
  std::optional<WeightAverage> average_;
  GradientReducer reducer_;
  std::deque<OpenStep> open_steps_;
  std::optional<RecordedLoss> recorded_;
  std::optional<GradientBuckets> buckets_;
  LrSchedule schedule_;
  std::vector<double> drop_path_rates_;
  Metrics metrics_;
  std::int64_t steps_done_ = 0;
  std::int64_t steps_skipped_ = 0;
  std::int64_t skipped_in_row_ = 0;  // as far as this job knows
  std::string nonfinite_message_;
  bool is_stop_agreed_ = false;
  bool is_save_agreed_ = false;
  double reduction_s_ = 0;
  std::size_t row_of_wait_ = 0;
  double elapsed_s_ = 0;
};

}  // namespace incubate
