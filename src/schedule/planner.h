#pragma once

#include <cstdint>
#include <vector>

#include "schedule/makespan_bound.h"

namespace incubate {

/// Steps of one training in a round.
struct Assignment {
  std::int64_t training = 0;  ///< index
  std::int64_t num_steps = 0;
};

/// The ranks [first_rank, first_rank + num_ranks) and the trainings that they carry on together in a round.
struct GroupPlan {
  std::int64_t first_rank = 0;
  std::int64_t num_ranks = 1;
  std::vector<Assignment> assignments;
};

/// Ranks that no group has are idle in the round.
struct RoundPlan {
  std::vector<GroupPlan> groups;
  double predicted_s = 0;  ///< without its cost
};

struct Plan {
  std::vector<RoundPlan> rounds;
  double predicted_s = 0;  ///< of all rounds, their costs included
};

struct PlannerOptions {
  std::int64_t num_ranks = 1;
  std::int64_t micro_batches = 1;  ///< of a step
  double round_cost_s = 0;         ///< for reading and writing checkpoints and making communicators
  std::int64_t max_rounds = 1;
};

/// Deals the ranks to the trainings, round after round, so that the last one ends soon. A pure function.
///
/// With as many ranks as unfinished trainings, or more, each has a group of its own; the deals rotate ranks among
/// trainings while they are under way (see rotation.h). With fewer, each rank is a group that holds several. Rounds
/// that are not worth their cost, or beyond `max_rounds`, are left out. `work` of 0 steps is done. REQUIRES: counts are
/// positive, costs are not negative.
Plan plan_rounds(const std::vector<RemainingWork>& work, const PlannerOptions& options);

/// How long a group of the plan takes for its assignments.
double group_s(const GroupPlan& group, const std::vector<RemainingWork>& work, std::int64_t micro_batches);

}  // namespace incubate
