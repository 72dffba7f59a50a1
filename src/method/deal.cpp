#include "method/deal.h"

#include <algorithm>

#include "data/sampler.h"

namespace incubate {

std::vector<GroupPlan> deal_ranks(std::int64_t num_trainings, std::int64_t num_ranks) {
  const std::int64_t num_groups = std::min(num_trainings, num_ranks);
  std::vector<GroupPlan> groups;
  for (std::int64_t i = 0; i < num_groups; ++i) {
    const Share ranks = share_of(num_ranks, i, num_groups);
    GroupPlan group{.first_rank = ranks.begin, .num_ranks = ranks.size(), .trainings = {}};
    for (std::int64_t training = i; training < num_trainings; training += num_groups)
      group.trainings.push_back(training);
    groups.push_back(group);
  }
  return groups;
}

}  // namespace incubate
