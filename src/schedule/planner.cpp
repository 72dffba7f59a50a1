#include "schedule/planner.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <ranges>

#include "schedule/rotation.h"

namespace incubate {
namespace {

double step_s(const RemainingWork& work, std::int64_t micro_batches, std::int64_t num_ranks) {
  return work.micro_batch_s * static_cast<double>(micro_batches_in_turn(micro_batches, num_ranks));
}

/// Returns the unfinished trainings, the one with the least work left first.
std::vector<std::int64_t> unfinished(const std::vector<RemainingWork>& work) {
  std::vector<std::int64_t> indices;
  for (std::size_t i = 0; i < work.size(); ++i) {
    if (work[i].num_steps > 0) indices.push_back(static_cast<std::int64_t>(i));
  }
  std::ranges::stable_sort(indices, {}, [&work](std::int64_t i) { return work[i].serial_s(); });
  return indices;
}

RoundPlan make_round(std::vector<GroupPlan> groups, const std::vector<RemainingWork>& work,
                     std::int64_t micro_batches) {
  RoundPlan round{.groups = std::move(groups), .predicted_s = 0};
  std::int64_t first_rank = 0;
  for (GroupPlan& group : round.groups) {
    group.first_rank = first_rank;
    first_rank += group.num_ranks;
    round.predicted_s = std::max(round.predicted_s, group_s(group, work, micro_batches));
  }
  return round;
}

// --- At least as many ranks as trainings

/// Returns training k's whole steps in each deal; they add up to all its remaining steps. The deal in which the
/// training is fastest takes what rounding leaves over.
std::vector<std::int64_t> steps_in_deals(const std::vector<Deal>& deals, std::size_t k, const RemainingWork& work,
                                         std::int64_t micro_batches) {
  std::vector<std::int64_t> steps;
  std::int64_t left = work.num_steps;
  std::size_t fastest = 0;
  for (std::size_t d = 0; d < deals.size(); ++d) {
    const std::int64_t size = deals[d].group_sizes[k];
    const double fitting = size == 0 ? 0 : deals[d].duration_s / step_s(work, micro_batches, size);
    steps.push_back(std::min<std::int64_t>(left, std::llround(fitting)));
    left -= steps.back();
    if (size > deals[fastest].group_sizes[k]) fastest = d;
  }
  steps[fastest] += left;
  return steps;
}

/// Returns the rounds of `deals`, whose group sizes belong to `indices`.
std::vector<RoundPlan> rounds_of(const std::vector<Deal>& deals, const std::vector<std::int64_t>& indices,
                                 const std::vector<RemainingWork>& work, std::int64_t micro_batches) {
  std::vector<std::vector<GroupPlan>> groups(deals.size());
  for (std::size_t k = 0; k < indices.size(); ++k) {
    const std::vector<std::int64_t> steps = steps_in_deals(deals, k, work[indices[k]], micro_batches);
    for (std::size_t d = 0; d < deals.size(); ++d) {
      if (steps[d] == 0) continue;
      groups[d].push_back(
          {.first_rank = 0, .num_ranks = deals[d].group_sizes[k], .assignments = {{indices[k], steps[d]}}});
    }
  }
  std::vector<RoundPlan> rounds;
  for (std::vector<GroupPlan>& of_round : groups) {
    if (!of_round.empty()) rounds.push_back(make_round(std::move(of_round), work, micro_batches));
  }
  return rounds;
}

/// Returns a single deal: each training has one rank, and more ranks go to the one that would end last while that
/// helps.
Deal deal_by_marginal_gain(const std::vector<std::int64_t>& indices, const std::vector<RemainingWork>& work,
                           const PlannerOptions& options) {
  const std::vector<std::int64_t> sizes = useful_group_sizes(options.micro_batches, options.num_ranks);
  std::vector<std::size_t> level(indices.size(), 0);  // index into sizes
  auto left = options.num_ranks - static_cast<std::int64_t>(indices.size());
  while (true) {
    std::size_t last = 0;
    double longest = -1;
    for (std::size_t k = 0; k < indices.size(); ++k) {
      const RemainingWork& w = work[indices[k]];
      const double time = static_cast<double>(w.num_steps) * step_s(w, options.micro_batches, sizes[level[k]]);
      if (time > longest) {
        longest = time;
        last = k;
      }
    }
    if (level[last] + 1 == sizes.size() || sizes[level[last] + 1] - sizes[level[last]] > left) break;
    left -= sizes[level[last] + 1] - sizes[level[last]];
    ++level[last];
  }
  Deal deal;
  for (const std::size_t l : level) deal.group_sizes.push_back(sizes[l]);
  return deal;
}

double total_s(const std::vector<RoundPlan>& rounds, double round_cost_s) {
  double sum = 0;
  for (const RoundPlan& round : rounds) sum += round.predicted_s + round_cost_s;
  return sum;
}

/// Returns whether some training makes less than one step in the deal.
bool is_shorter_than_a_step(const Deal& deal, const std::vector<std::int64_t>& indices,
                            const std::vector<RemainingWork>& work, std::int64_t micro_batches) {
  for (std::size_t k = 0; k < indices.size(); ++k) {
    const std::int64_t size = deal.group_sizes[k];
    if (size > 0 && deal.duration_s < step_s(work[indices[k]], micro_batches, size)) return true;
  }
  return false;
}

std::vector<RoundPlan> plan_rotation(const std::vector<std::int64_t>& indices, const std::vector<RemainingWork>& work,
                                     const PlannerOptions& options) {
  const auto make = [&](const std::vector<Deal>& deals) {
    return rounds_of(deals, indices, work, options.micro_batches);
  };
  std::vector<double> serial_s;
  for (const std::int64_t i : indices) serial_s.push_back(work[i].serial_s());
  std::vector<Deal> deals = rotate_ranks(serial_s, options.micro_batches, options.num_ranks);
  std::vector<RoundPlan> rounds = make(deals);
  // Drop the shortest deal while that saves time, while there are too many, or while it is shorter than a step.
  while (deals.size() > 1) {
    std::vector<Deal> fewer = deals;
    fewer.erase(std::ranges::min_element(fewer, {}, &Deal::duration_s));
    const bool trains_all = std::ranges::all_of(std::views::iota(std::size_t{0}, indices.size()), [&](std::size_t k) {
      return std::ranges::any_of(fewer, [k](const Deal& deal) { return deal.group_sizes[k] > 0; });
    });
    if (!trains_all) break;
    std::vector<RoundPlan> candidate = make(fewer);
    const bool pays = total_s(candidate, options.round_cost_s) <= total_s(rounds, options.round_cost_s);
    const bool are_too_many = static_cast<std::int64_t>(rounds.size()) > options.max_rounds;
    const bool is_too_short = std::ranges::any_of(
        deals, [&](const Deal& deal) { return is_shorter_than_a_step(deal, indices, work, options.micro_batches); });
    if (!pays && !are_too_many && !is_too_short) break;
    deals = std::move(fewer);
    rounds = std::move(candidate);
  }
  std::vector<RoundPlan> one = make({deal_by_marginal_gain(indices, work, options)});
  const bool are_too_many = static_cast<std::int64_t>(rounds.size()) > options.max_rounds;
  return are_too_many || total_s(one, options.round_cost_s) <= total_s(rounds, options.round_cost_s) ? one : rounds;
}

// --- Fewer ranks than trainings

/// Returns the trainings in `num_sets` sets: the longest first, each into the set with the least work.
std::vector<std::vector<std::int64_t>> pack(const std::vector<std::int64_t>& indices,
                                            const std::vector<RemainingWork>& work, std::int64_t num_sets) {
  std::vector<std::vector<std::int64_t>> sets(num_sets);
  std::vector<double> load(num_sets, 0);
  for (auto i = indices.rbegin(); i != indices.rend(); ++i) {
    const auto least = std::ranges::min_element(load) - load.begin();
    sets[least].push_back(*i);
    load[least] += work[*i].serial_s();
  }
  return sets;
}

/// Returns one rank's work on a set of trainings in `time_s`. Trainings with more steps left go first, until all have
/// as many left.
GroupPlan fill_group(const std::vector<std::int64_t>& set, const std::vector<RemainingWork>& work,
                     std::int64_t micro_batches, double time_s) {
  const auto needed_s = [&](std::int64_t steps_left) {
    double sum = 0;
    for (const std::int64_t i : set) {
      sum += static_cast<double>(std::max<std::int64_t>(0, work[i].num_steps - steps_left)) *
             step_s(work[i], micro_batches, 1);
    }
    return sum;
  };
  std::int64_t low = 0;  // fewest steps left at the end that time allows
  std::int64_t high = 0;
  for (const std::int64_t i : set) high = std::max(high, work[i].num_steps);
  while (low < high) {
    const std::int64_t middle = low + ((high - low) / 2);
    if (needed_s(middle) <= time_s * (1 + 1e-9)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  GroupPlan group;
  for (const std::int64_t i : set) {
    if (work[i].num_steps > low) group.assignments.push_back({i, work[i].num_steps - low});
  }
  return group;
}

/// Returns a round of one-rank groups. It ends when the first group has nothing left, or later if that saves a round.
RoundPlan plan_packed_round(const std::vector<std::int64_t>& indices, const std::vector<RemainingWork>& work,
                            const PlannerOptions& options) {
  const auto sets = pack(indices, work, options.num_ranks);
  std::vector<double> ends;
  for (const std::vector<std::int64_t>& set : sets) {
    double sum = 0;
    for (const std::int64_t i : set) {
      sum += static_cast<double>(work[i].num_steps) * step_s(work[i], options.micro_batches, 1);
    }
    ends.push_back(sum);
  }
  const auto [first, last] = std::ranges::minmax(ends);
  const bool runs_to_the_end = options.max_rounds == 1 || last <= first + options.round_cost_s;
  std::vector<GroupPlan> groups;
  for (const std::vector<std::int64_t>& set : sets) {
    GroupPlan group = fill_group(set, work, options.micro_batches, runs_to_the_end ? last : first);
    if (!group.assignments.empty()) groups.push_back(std::move(group));
  }
  return make_round(std::move(groups), work, options.micro_batches);
}

}  // namespace

double group_s(const GroupPlan& group, const std::vector<RemainingWork>& work, std::int64_t micro_batches) {
  double sum = 0;
  for (const Assignment& a : group.assignments) {
    sum += static_cast<double>(a.num_steps) * step_s(work[a.training], micro_batches, group.num_ranks);
  }
  return sum;
}

Plan plan_rounds(const std::vector<RemainingWork>& work, const PlannerOptions& options) {
  std::vector<RemainingWork> left = work;
  PlannerOptions rest = options;
  Plan plan;
  std::vector<std::int64_t> indices = unfinished(left);
  while (static_cast<std::int64_t>(indices.size()) > options.num_ranks) {
    plan.rounds.push_back(plan_packed_round(indices, left, rest));
    for (const GroupPlan& group : plan.rounds.back().groups) {
      for (const Assignment& a : group.assignments) left[a.training].num_steps -= a.num_steps;
    }
    rest.max_rounds = std::max<std::int64_t>(1, rest.max_rounds - 1);
    indices = unfinished(left);
  }
  if (!indices.empty()) {
    for (RoundPlan& round : plan_rotation(indices, left, rest)) plan.rounds.push_back(std::move(round));
  }
  plan.predicted_s = total_s(plan.rounds, options.round_cost_s);
  return plan;
}

}  // namespace incubate
