#pragma once

#include <functional>
#include <vector>

#include "schedule/round.h"

namespace incubate {

/// How to plan a phase's rounds.
struct RoundsOptions {
  std::int64_t micro_batches = 1;  ///< per step
  double round_cost_s = 0;
  /// Per training of the run: expected time of a micro-batch, in any unit. Only proportions count, until times are
  /// measured.
  std::vector<double> estimated_micro_batch_s;
  /// Makes the plan; only tests replace plan_rounds().
  std::function<Plan(const std::vector<RemainingWork>&, const PlannerOptions&)> plan = plan_rounds;
};

/// Callbacks on every rank.
struct RoundsHooks {
  std::function<void(const RoundPlan& plan)> on_begin = {};
  std::function<void(const RoundPlan& plan, double busy_rank_s)> on_end = {};
};

/// Trains the trainings `ready` of one phase in rounds, at most two for each training. Plans again before every round,
/// from the remaining work and the times measured so far. Returns whether all are finished: a run asked to stop (see
/// StatusChannel) stops after a round. Collective over `world`.
bool run_rounds(const std::vector<std::int64_t>& ready, const RoundsOptions& options, const Communicator& world,
                torch::Device device, StatusChannel& channel, const TrainGroup& train_group, const RoundsHooks& hooks,
                std::vector<TrainingProgress>& progress);

}  // namespace incubate
