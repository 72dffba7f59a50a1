#pragma once

#include <cstdint>
#include <vector>

#include "schedule/makespan_bound.h"

namespace incubate {

/// Steps of one training in a round.
struct Assignment {
  std::int64_t training = 0;  ///< index of the training
  std::int64_t num_steps = 0;
};

/// The ranks [first_rank, first_rank + num_ranks) and the trainings that they work on together in a round.
struct GroupPlan {
  std::int64_t first_rank = 0;
  std::int64_t num_ranks = 1;
  std::vector<Assignment> assignments;
};

/// Ranks outside every group are idle in the round.
struct RoundPlan {
  std::vector<GroupPlan> groups;
  double predicted_s = 0;  ///< excludes PlannerOptions::round_cost_s
};

struct Plan {
  std::vector<RoundPlan> rounds;
  double predicted_s = 0;  ///< of all rounds, including their costs
};

struct PlannerOptions {
  std::int64_t num_ranks = 1;
  std::int64_t micro_batches = 1;  ///< per step
  double round_cost_s = 0;         ///< per round: checkpoints read and written, communicators created
  std::int64_t max_rounds = 1;
};

/// Returns rounds that assign the ranks to the trainings so that the last training ends soon. A pure function.
///
/// With at least as many ranks as unfinished trainings, each training has its own group, and successive rounds rotate
/// ranks among trainings (see rotation.h). With fewer ranks, each rank is a group that holds several trainings. Drops
/// rounds beyond `max_rounds` and rounds that do not pay for their cost. REQUIRES: counts are positive, costs are not
/// negative. Trainings with 0 steps are done.
Plan plan_rounds(const std::vector<RemainingWork>& work, const PlannerOptions& options);

/// Returns the seconds that a group of the plan takes for its assignments.
double group_s(const GroupPlan& group, const std::vector<RemainingWork>& work, std::int64_t micro_batches);

}  // namespace incubate
