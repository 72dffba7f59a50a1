#pragma once

#include <functional>
#include <span>

#include "data/loader.h"
#include "parallel/process_group.h"
#include "train/training_account.h"

namespace incubate {

/// A training of a group. Every rank of the group calls its hooks, which may be empty.
struct Participant {
  Trainer* trainer = nullptr;
  TrainingAccount* account = nullptr;
  std::int64_t until_step = 0;  ///< completed steps at which the training ends here
  std::function<void(const StepRow&)> on_step = {};
  std::int64_t save_every = 0;  ///< steps between saves, the same on every rank; 0: none
  /// Called on every rank in every step. If it returns true on any rank, the group saves after that step, or the next.
  std::function<bool()> asks_to_save = {};
  /// Saves the state after Trainer::steps_done() steps. No step is open.
  std::function<void()> on_save = {};
  /// Called with what is wrong with an evaluation; see Trainer::judge().
  std::function<void(const std::string&)> warn = {};
  /// Called after this training's part of each batch of an evaluation, as a sign of life.
  std::function<void()> on_evaluation_batch = {};
  /// Called after `until_step` steps, or when the group stops earlier. The last step has been evaluated if due.
  std::function<void()> on_end = {};
};

/// A rank's validation samples.
struct ValidationLoaders {
  Loader& last;    ///< for the last evaluation of a training
  Loader& others;  ///< for the others
};

/// Called around each step of a group, without evaluations, on every rank; may be empty.
struct StepHooks {
  std::function<void()> before_step = {};
  std::function<void()> after_step = {};
};

/// Runs several trainings of one phase on one group, each to its `until_step`. Trainings at the same step share its
/// micro-batches. Each image is loaded and augmented once, and common frozen stages run once. Trainings that are behind
/// run first, until they have caught up. The weights are bit for bit those of a training alone. Calls `should_stop` on
/// every rank in every step. If any rank returns true, the group stops after that step (or the next, with
/// TrainerSettings::reads_late). REQUIRES: `train` and `validation` belong to the phase. Collective over `group`.
void train_together(std::span<const Participant> participants, Loader& train, const ValidationLoaders& validation,
                    ProcessGroup& group, const std::function<bool()>& should_stop = {}, const StepHooks& hooks = {});

}  // namespace incubate
