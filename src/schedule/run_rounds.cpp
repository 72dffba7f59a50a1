#include "schedule/run_rounds.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"

namespace incubate {
namespace {

/// Returns the remaining work of the trainings `ready`. Unmeasured ones are estimated from measured ones by FLOPs.
std::vector<RemainingWork> remaining_work(const std::vector<std::int64_t>& ready, const RoundsOptions& options,
                                          const std::vector<TrainingProgress>& progress) {
  double measured_s = 0;
  double estimated_s = 0;
  for (const std::int64_t i : ready) {
    if (progress[i].micro_batch_s == 0) continue;
    measured_s += progress[i].micro_batch_s;
    estimated_s += options.estimated_micro_batch_s[i];
  }
  const double scale = measured_s > 0 ? measured_s / estimated_s : 1;
  std::vector<RemainingWork> work(progress.size());
  for (const std::int64_t i : ready) {
    const bool is_measured = progress[i].micro_batch_s > 0;
    work[i] = {.num_steps = progress[i].total_steps - progress[i].steps_done,
               .micro_batch_s = is_measured ? progress[i].micro_batch_s : scale * options.estimated_micro_batch_s[i]};
  }
  return work;
}

std::vector<std::int64_t> to_numbers(const RoundPlan& round) {
  std::vector<std::int64_t> numbers;
  for (const GroupPlan& group : round.groups) {
    const auto count = static_cast<std::int64_t>(group.assignments.size());
    numbers.insert(numbers.end(), {group.first_rank, group.num_ranks, count});
    for (const Assignment& a : group.assignments) numbers.insert(numbers.end(), {a.training, a.num_steps});
  }
  return numbers;
}

RoundPlan from_numbers(const std::vector<std::int64_t>& numbers) {
  RoundPlan round;
  for (auto n = numbers.begin(); n != numbers.end();) {
    GroupPlan group{.first_rank = n[0], .num_ranks = n[1], .assignments = {}};
    const std::int64_t count = n[2];
    n += 3;
    for (std::int64_t i = 0; i < count; ++i, n += 2) group.assignments.push_back({n[0], n[1]});
    round.groups.push_back(std::move(group));
  }
  return round;
}

/// Returns rank 0's plan on every rank: floating-point times may differ in the last bits between machines.
RoundPlan share_plan(const RoundPlan& round, const Communicator& world) {
  std::vector<std::int64_t> numbers = to_numbers(round);
  auto size = static_cast<std::int64_t>(numbers.size());
  world.broadcast(std::as_writable_bytes(std::span(&size, 1)), "sharing the plan of a round");
  numbers.resize(size);
  world.broadcast(std::as_writable_bytes(std::span(numbers)), "sharing the plan of a round");
  RoundPlan shared = from_numbers(numbers);
  shared.predicted_s = round.predicted_s;
  return shared;
}

}  // namespace

bool run_rounds(const std::vector<std::int64_t>& ready, const RoundsOptions& options, const Communicator& world,
                torch::Device device, StatusChannel& channel, const TrainGroup& train_group, const RoundsHooks& hooks,
                std::vector<TrainingProgress>& progress) {
  auto rounds_left = static_cast<std::int64_t>(2 * ready.size());
  const auto is_done = [&progress](std::int64_t i) { return progress[i].is_done(); };
  while (!std::ranges::all_of(ready, is_done)) {
    const Plan plan =
        options.plan(remaining_work(ready, options, progress), {.num_ranks = world.size(),
                                                                .micro_batches = options.micro_batches,
                                                                .round_cost_s = options.round_cost_s,
                                                                .max_rounds = std::max<std::int64_t>(1, rounds_left)});
    const RoundPlan round = share_plan(plan.rounds.front(), world);
    if (hooks.on_begin) hooks.on_begin(round);
    const RoundEnd end = run_round(round, world, device, channel, train_group, progress);
    if (hooks.on_end) hooks.on_end(round, end.busy_rank_s);
    if (end.is_stopped) break;
    --rounds_left;
  }
  return std::ranges::all_of(ready, is_done);
}

}  // namespace incubate
