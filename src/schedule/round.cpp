#include "schedule/round.h"

#include <algorithm>
#include <cmath>

#include "base/clock.h"

namespace incubate {
namespace {

constexpr double kNanosecond = 1e-9;

std::int64_t to_ns(double seconds) { return std::llround(seconds / kNanosecond); }

/// Returns the group that holds `rank`, or the end if the rank is idle.
auto find_group(const RoundPlan& plan, int rank) {
  return std::ranges::find_if(plan.groups, [rank](const GroupPlan& group) {
    return rank >= group.first_rank && rank < group.first_rank + group.num_ranks;
  });
}

/// Sums the leaders' numbers over `world` into `progress`; each training is in at most one group. `own` is what this
/// rank knows: as a leader, its group's busy time, and whether a stop was requested.
RoundEnd share_progress(const RoundPlan& plan, const Communicator& world, const RoundEnd& own,
                        std::vector<TrainingProgress>& progress) {
  std::vector<std::int64_t> numbers = {to_ns(own.busy_rank_s), own.is_stopped ? 1 : 0};
  for (const GroupPlan& group : plan.groups) {
    const bool is_mine = group.first_rank == world.rank();
    for (const Assignment& a : group.assignments) {
      numbers.push_back(is_mine ? progress[a.training].steps_done : 0);
      numbers.push_back(is_mine ? to_ns(progress[a.training].micro_batch_s) : 0);
    }
  }
  world.all_reduce_sum(numbers, "sharing how far the trainings are");
  auto number = numbers.begin() + 2;
  for (const GroupPlan& group : plan.groups) {
    for (const Assignment& a : group.assignments) {
      progress[a.training].steps_done = *number++;
      progress[a.training].micro_batch_s = static_cast<double>(*number++) * kNanosecond;
    }
  }
  return {.busy_rank_s = static_cast<double>(numbers[0]) * kNanosecond, .is_stopped = numbers[1] > 0};
}

}  // namespace

RoundEnd run_round(const RoundPlan& plan, const Communicator& world, torch::Device device, StatusChannel& channel,
                   const TrainGroup& train_group, std::vector<TrainingProgress>& progress) {
  double busy_rank_s = 0;  // set on the group's leader only
  const auto mine = find_group(plan, world.rank());
  const bool is_idle = mine == plan.groups.end();
  Communicator part = world.split(static_cast<int>(mine - plan.groups.begin()));
  if (!is_idle) {
    const Stopwatch watch;
    ProcessGroup group(std::move(part), device);
    train_group(*mine, group, progress);
    if (group.is_leader()) busy_rank_s = watch.elapsed_s() * static_cast<double>(mine->num_ranks);
  }
  std::vector<int> leaders;
  for (const GroupPlan& group : plan.groups) leaders.push_back(static_cast<int>(group.first_rank));
  channel.meet(leaders);
  return share_progress(plan, world, {.busy_rank_s = busy_rank_s, .is_stopped = channel.is_stop_asked()}, progress);
}

}  // namespace incubate
