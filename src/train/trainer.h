#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/exact_sum.h"
#include "base/stopwatch.h"
#include "config/run_config.h"
#include "data/loader.h"
#include "model/staged_model.h"
#include "parallel/gradient_reducer.h"
#include "parallel/process_group.h"
#include "report/metrics_file.h"
#include "train/flat_parameters.h"
#include "train/lr_schedule.h"
#include "train/optimizer.h"
#include "train/task.h"

namespace incubate {

/// What a training needs to know beside its model and data.
struct TrainerSettings {
  std::string name;  ///< for messages
  Phase phase = Phase::meta;
  PhaseConfig recipe;
  OptimizerConfig optimizer;
  Sums sums = Sums::exact;
  std::uint64_t seed = 0;
  std::int64_t global_batch = 0;
  std::int64_t total_steps = 0;
  std::int64_t checkpoint_every_steps = 0;
  double block_flops_per_image = 0;
};

/// Called on every rank of the group; may be empty.
struct TrainerHooks {
  std::function<void(const StepRow&)> on_step = {};
  /// After each batch of an evaluation: a sign of life.
  std::function<void()> on_evaluation_batch = {};
  /// Whether there is a checkpoint to be written after `steps_done` steps, from the trainer's state.
  std::function<void(std::int64_t steps_done)> save = {};
};

/// One training on one group of ranks: a deterministic function of (first weights, data, settings), whatever the number
/// of ranks and wherever it was resumed. Construct it when the model has its weights and the right stages are frozen.
/// Collective over `group`: construction and run().
class Trainer {
 public:
  Trainer(StagedModel& model, TrainLoader& train, const EvaluationLoader& validation, ProcessGroup& group,
          TrainerSettings settings);

  FlatParameters& parameters() { return parameters_; }
  AdamW& optimizer() { return optimizer_; }
  const Metrics& metrics() const { return metrics_; }
  /// This training's wall-clock so far, earlier runs included.
  double elapsed_s() const { return elapsed_before_s_ + watch_.elapsed_s(); }

  /// Continues after `steps_done` steps; parameters and optimizer state have been restored.
  void resume(std::int64_t steps_done, Metrics metrics, double elapsed_s);

  /// Trains to the end and returns the last evaluation. Throws std::runtime_error on every rank if a loss or gradient
  /// is not finite (PeerFailure on all but the leader: one says it); the step is not applied.
  Evaluation run(const TrainerHooks& hooks);

 private:
  StepRow train_step(std::int64_t step);
  void accumulate_micro_batch(std::int64_t step, std::int64_t micro_batch);
  [[noreturn]] void report_nonfinite(std::int64_t step, std::int64_t num_nonfinite) const;
  bool is_evaluation_due(std::int64_t steps_done) const;
  void add_evaluation(std::int64_t steps_done, const std::function<void()>& on_batch);

  StagedModel& model_;
  TrainLoader& train_;
  const EvaluationLoader& validation_;
  ProcessGroup& group_;
  TrainerSettings settings_;
  ClassificationTask task_;
  FlatParameters parameters_;
  AdamW optimizer_;
  GradientReducer reducer_;
  LrSchedule schedule_;
  std::vector<double> drop_path_rates_;
  Metrics metrics_;
  std::int64_t steps_done_ = 0;
  double elapsed_before_s_ = 0;
  Stopwatch watch_;
};

}  // namespace incubate
