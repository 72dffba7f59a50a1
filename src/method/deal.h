#pragma once

#include <cstdint>
#include <vector>

namespace incubate {

/// The ranks of a group, [first_rank, first_rank + num_ranks), and the trainings it runs one after the other.
struct GroupPlan {
  std::int64_t first_rank = 0;
  std::int64_t num_ranks = 1;
  std::vector<std::int64_t> trainings;  ///< indices
};

/// Deals `num_ranks` to `num_trainings` evenly: a group for each training, or, with fewer ranks than trainings, a group
/// for each rank with several trainings. Every rank is in exactly one group. REQUIRES: both positive.
std::vector<GroupPlan> deal_ranks(std::int64_t num_trainings, std::int64_t num_ranks);

}  // namespace incubate
