#pragma once

#include <functional>
#include <span>

#include "data/loader.h"
#include "parallel/process_group.h"
#include "train/training_account.h"

namespace incubate {

/// A training among those that a group carries on. Its hooks are called on every rank of the group; they may be empty.
struct Participant {
  Trainer* trainer = nullptr;
  TrainingAccount* account = nullptr;
  std::int64_t until_step = 0;  ///< steps done when it leaves
  std::function<void(const StepRow&)> on_step = {};
  std::int64_t save_every = 0;  ///< steps after which it saves, on every rank alike; 0: none
  /// Asked on every rank in every step: where it is true on any, the group saves after that step, or the next.
  std::function<bool()> asks_to_save = {};
  /// To save the state after Trainer::steps_done() steps, none of them open.
  std::function<void()> on_save = {};
  /// To tell what is wrong with an evaluation; see Trainer::judge().
  std::function<void(const std::string&)> warn = {};
  /// After its part of each batch of an evaluation: a sign of life.
  std::function<void()> on_evaluation_batch = {};
  /// When it has done `until_step` steps or the group stops before; the last step evaluated if due.
  std::function<void()> on_end = {};
};

/// Called around each step of a group, evaluations left out, on every rank; they may be empty.
struct StepHooks {
  std::function<void()> before_step = {};
  std::function<void()> after_step = {};
};

/// Carries on several trainings of one phase on one group, each to its `until_step`. Those at the same step learn from
/// the same micro-batches: each image is read and augmented once, and the frozen stages that they share run once on it.
/// Those that are behind go first, until they have caught up. The weights of each are bit for bit those it would have
/// alone. `should_stop` is asked on every rank in every step; where it is true on any, the whole group stops after that
/// step (or the next, if TrainerSettings::reads_late). REQUIRES: all are of one phase, and `train` and `validation` are
/// that phase's. Collective over `group`.
void train_together(std::span<const Participant> participants, TrainLoader& train, EvaluationLoader& validation,
                    ProcessGroup& group, const std::function<bool()>& should_stop = {}, const StepHooks& hooks = {});

}  // namespace incubate
