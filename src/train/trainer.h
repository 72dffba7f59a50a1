#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/exact_sum.h"
#include "config/run_config.h"
#include "gpu/recorded_pass.h"
#include "model/staged_model.h"
#include "parallel/process_group.h"
#include "tasks/task.h"
#include "train/flat_parameters.h"
#include "train/gradient_buckets.h"
#include "train/gradient_reducer.h"
#include "train/lr_schedule.h"
#include "train/optimizer.h"
#include "train/weight_average.h"

namespace incubate {

/// Settings of a training besides its model.
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
  std::int64_t evaluate_every = 1;  ///< steps
  double block_flops_per_image = 0;
  double peak_flops = 0;  ///< peak FLOP/s of a rank; 0: unknown
  /// Each rank keeps the optimizer's state of its part of the parameters, updates that part and sends it to the other
  /// ranks.
  bool shard_optimizer = false;
  /// A step's figures are read after the next step has been launched, so that a GPU never waits for the host.
  bool reads_late = false;
  /// The sum of gradients over the ranks begins during the last backward pass, unless passes are recorded.
  bool overlap_reduction = false;
  /// A micro-batch's passes are a RecordedPass, unless there is stochastic depth. REQUIRES: a GPU.
  bool cuda_graph = false;

  std::int64_t micro_batches() const { return global_batch / recipe.micro; }
};

/// A step with its figures.
struct CompletedStep {
  std::int64_t step = 0;  ///< from 0
  double learning_rate = 0;
  double loss = 0;           ///< mean over the batch; NaN if the step was skipped
  double gradient_norm = 0;  ///< before clipping; NaN if the step was skipped
  StepNotes notes;           ///< summed over the ranks of the group
  double reduction_s = 0;    ///< this rank's time in the reduction
};

/// A buffer that a training needs to resume.
struct NamedState {
  std::string name;                       ///< "stages", "optimizer/NAME" (see list_state_names()), or "ema"
  std::span<const FlatView> views;        ///< the buffer's parts
  std::function<torch::Tensor()> gather;  ///< returns the buffer, or a copy; collective over the group
  std::function<void(const torch::Tensor& values)> restore;  ///< `values` are laid out as gather()'s result
};

/// Optimises one model on one group of ranks, one step at a time (train_together() calls the steps). The result is a
/// deterministic function of (first weights, data, settings): ranks and restarts never change it. REQUIRES when
/// constructed: the model has its weights, and the right stages are frozen.
class Trainer {
 public:
  /// `model`, `task` and `group` must outlive the trainer.
  Trainer(StagedModel& model, const Task& task, ProcessGroup& group, TrainerSettings settings);

  const TrainerSettings& settings() const { return settings_; }
  StagedModel& model() { return model_; }
  const Task& task() const { return task_; }
  FlatParameters& parameters() { return parameters_; }
  Optimizer& optimizer() { return *optimizer_; }
  /// Returns the average of the weights, laid out as the parameters; null without one.
  WeightAverage* average() { return average_ ? &*average_ : nullptr; }
  /// Returns the training's weights so far, laid out as the parameters: their average, if there is one.
  torch::Tensor& result() { return average_ ? average_->values() : parameters_.values(); }
  /// Exchanges the model's parameters and result(). Must be called in pairs, without a step between.
  void swap_result();
  /// Returns the stochastic depth rate of each block.
  const std::vector<double>& drop_path_rates() const { return drop_path_rates_; }
  /// Returns the number of finished steps, including open ones.
  std::int64_t steps_done() const { return steps_done_; }
  bool is_done() const { return steps_done_ == settings_.total_steps; }
  /// Returns the number of completed steps that were skipped; see complete_step().
  std::int64_t steps_skipped() const { return steps_skipped_; }

  /// Returns the buffers that the training needs to resume.
  std::vector<NamedState> list_state();
  /// Continues after `steps_done` steps. REQUIRES: every buffer of list_state() was restored.
  void resume(std::int64_t steps_done, std::int64_t steps_skipped);

  /// Adds a micro-batch's gradient and the batch norm statistics of learning stages. `input` is the first learning
  /// stage's, `kept` the whole model's. `is_last` marks this rank's last micro-batch of the step.
  void accumulate(const Activations& input, const Targets& targets, KeptBranches kept, bool is_last);
  /// Updates weights and running statistics from all ranks' micro-batches, unless a loss or gradient of any rank is not
  /// finite. `notes` reach all ranks of the group. Does not wait for a GPU: complete_step() returns the outcome.
  /// Collective over the group.
  void finish_step(const StepNotes& notes);
  /// Returns the number of steps that are finished but not completed.
  std::int64_t steps_open() const { return static_cast<std::int64_t>(open_steps_.size()); }
  /// Waits for the first open step and returns it. If its loss or gradient was not finite, every rank has skipped the
  /// step or throws std::runtime_error: as the settings say, or because ten in a row were skipped. Ranks other than the
  /// leader throw PeerFailure, so that one rank reports it.
  CompletedStep complete_step();
  /// Returns what was not finite in the last skipped step.
  const std::string& nonfinite_message() const { return nonfinite_message_; }
  /// True on every rank if any rank requested a stop before the last completed step, or a checkpoint since
  /// note_saved().
  bool is_stop_agreed() const { return is_stop_agreed_; }
  bool is_save_agreed() const { return is_save_agreed_; }
  void note_saved() { is_save_agreed_ = false; }
  bool is_evaluation_due() const;
  /// Returns what to warn of in an evaluation after steps_done() steps; empty if it is finite. If it is not and
  /// TrainerSettings::on_nonfinite is stop, throws as complete_step() does.
  std::string judge(const Figures& evaluation) const;

 private:
  struct OpenStep {
    std::int64_t step;
    double learning_rate;
    GradientReducer::Pending sums;
    HostCopy gradient_norm;
  };

  Loss replay(const Activations& input, const Targets& targets);
  Loss pass(const Activations& input, const Targets& targets, KeptBranches kept);
  void wait_for_open_steps();
  void update(const torch::Tensor& gradient_norm, const torch::Tensor& is_bad, double learning_rate);
  void move_statistics(const torch::Tensor& is_bad);
  torch::Tensor gather_optimizer_state(std::size_t index);
  void skip_step(CompletedStep& step, std::int64_t num_nonfinite);
  [[noreturn]] void fail(const std::string& message) const;
  std::string name_of_sum() const;
  Share own_part();
  Share own_parameters();

  StagedModel& model_;
  ProcessGroup& group_;
  TrainerSettings settings_;
  const Task& task_;
  FlatParameters parameters_;
  std::unique_ptr<Optimizer> optimizer_;
  std::optional<WeightAverage> average_;
  GradientReducer reducer_;
  std::deque<OpenStep> open_steps_;
  std::optional<RecordedPass> recorded_;
  std::optional<GradientBuckets> buckets_;
  LrSchedule schedule_;
  std::vector<double> drop_path_rates_;
  std::int64_t steps_done_ = 0;
  std::int64_t steps_skipped_ = 0;
  std::int64_t skipped_in_row_ = 0;  // known to this job
  std::string nonfinite_message_;
  bool is_stop_agreed_ = false;
  bool is_save_agreed_ = false;
};

}  // namespace incubate
