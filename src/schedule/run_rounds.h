#pragma once

#include <functional>
#include <vector>

#include "schedule/round.h"

namespace incubate {

/// How a phase's rounds are planned.
struct RoundsOptions {
  std::int64_t micro_batches = 1;  ///< of a step
  double round_cost_s = 0;
  /// Of each training of the run: the time of a micro-batch before it is measured, in any unit. (Work is planned by
  /// its proportions until then.)
  std::vector<double> estimated_micro_batch_s;
  /// What makes the plan; plan_rounds() but in tests.
  std::function<Plan(const std::vector<RemainingWork>&, const PlannerOptions&)> plan = plan_rounds;
};

/// What the caller wants to know of; called on every rank.
struct RoundsHooks {
  std::function<void(const RoundPlan& plan)> on_begin = {};
  std::function<void(const RoundPlan& plan, double busy_rank_s)> on_end = {};
};

/// Carries the trainings `ready` of one phase to their ends in rounds, at most two for each. The plan is made anew
/// before every round, from what is left and the times measured so far. Returns whether they are at their ends: a run
/// that is asked to stop (see StatusChannel) leaves off after a round. Collective over `world`.
bool run_rounds(const std::vector<std::int64_t>& ready, const RoundsOptions& options, const Communicator& world,
                torch::Device device, StatusChannel& channel, const TrainGroup& train_group, const RoundsHooks& hooks,
                std::vector<TrainingProgress>& progress);

}  // namespace incubate
