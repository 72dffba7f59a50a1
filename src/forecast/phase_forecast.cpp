#include "forecast/phase_forecast.h"

#include <algorithm>
#include <numeric>

namespace incubate {
namespace {

std::vector<RemainingWork> remaining_work(const PhaseWork& work, const Machine& machine) {
  std::vector<RemainingWork> remaining;
  for (std::size_t i = 0; i < work.trainings.size(); ++i) {
    const std::int64_t steps = work.trainings[i]->total_steps;
    const double count = static_cast<double>(steps) * static_cast<double>(work.micro_batches);
    remaining.push_back({.num_steps = steps, .micro_batch_s = work.block_flops[i] / count / machine.rank_flops_per_s});
  }
  return remaining;
}

double step_s(const PhaseWork& work, const Machine& machine, const RemainingWork& remaining, std::int64_t training,
              std::int64_t num_ranks) {
  const auto in_turn = static_cast<double>(micro_batches_in_turn(work.micro_batches, num_ranks));
  return (in_turn * remaining.micro_batch_s) +
         ring_all_reduce_s(work.reduced_bytes[training], num_ranks, machine.network_bytes_per_s);
}

RoundForecast forecast_round(const RoundPlan& plan, const PhaseWork& work, const Machine& machine,
                             const std::vector<RemainingWork>& remaining) {
  RoundForecast round;
  for (const GroupPlan& group : plan.groups) {
    double busy_s = 0;
    for (const Assignment& a : group.assignments) {
      busy_s +=
          static_cast<double>(a.num_steps) * step_s(work, machine, remaining[a.training], a.training, group.num_ranks);
    }
    round.groups.push_back({group, busy_s});
    round.predicted_s = std::max(round.predicted_s, busy_s);
    round.first_idle_rank = group.first_rank + group.num_ranks;
  }
  return round;
}

}  // namespace

PhaseWork make_phase_work(const RunConfig& config, const std::vector<Training>& trainings, Phase phase) {
  PhaseWork work{
      .phase = phase, .micro_batches = micro_batches_of(config, phase), .memory = memory_settings(config, phase)};
  for (const Training& training : trainings) {
    if (training.phase != phase || !training.is_chosen) continue;
    work.trainings.push_back(&training);
    work.block_flops.push_back(training.block_flops(config.batch.global));
    work.reduced_bytes.push_back(reduced_bytes_per_step(training, sums_of(config.run)));
  }
  return work;
}

PhaseForecast forecast_phase(const PhaseWork& work, const Machine& machine) {
  const std::vector<RemainingWork> remaining = remaining_work(work, machine);
  const Plan plan = plan_rounds(remaining, {.num_ranks = machine.num_ranks,
                                            .micro_batches = work.micro_batches,
                                            .round_cost_s = machine.round_cost_s,
                                            .max_rounds = 2 * static_cast<std::int64_t>(work.trainings.size())});
  PhaseForecast forecast{.ideal_s = ideal_s(work, machine), .bound_s = bound_s(work, machine)};
  for (const RoundPlan& round : plan.rounds) {
    forecast.rounds.push_back(forecast_round(round, work, machine, remaining));
    forecast.predicted_s += forecast.rounds.back().predicted_s + machine.round_cost_s;
    for (const GroupForecast& group : forecast.rounds.back().groups) {
      forecast.busy_rank_s += group.busy_s * static_cast<double>(group.plan.num_ranks);
    }
  }
  return forecast;
}

std::vector<const Training*> trainings_of(const GroupForecast& group, const PhaseWork& work) {
  std::vector<const Training*> trainings;
  for (const Assignment& a : group.plan.assignments) trainings.push_back(work.trainings[a.training]);
  return trainings;
}

MemorySettings memory_settings_of(const GroupForecast& group, const PhaseWork& work) {
  MemorySettings settings = work.memory;
  settings.num_ranks = group.plan.num_ranks;
  return settings;
}

Memory memory_of(const GroupForecast& group, const PhaseWork& work) {
  return memory_per_rank(trainings_of(group, work), memory_settings_of(group, work));
}

double ideal_s(const PhaseWork& work, const Machine& machine) {
  const double flops = std::accumulate(work.block_flops.begin(), work.block_flops.end(), 0.0);
  return flops / (static_cast<double>(machine.num_ranks) * machine.rank_flops_per_s);
}

double bound_s(const PhaseWork& work, const Machine& machine) {
  return makespan_bound(remaining_work(work, machine), work.micro_batches, machine.num_ranks);
}

double critical_path_s(const PhaseWork& work, const Machine& machine) {
  const std::vector<RemainingWork> remaining = remaining_work(work, machine);
  double longest = 0;
  for (std::size_t i = 0; i < remaining.size(); ++i) {
    double fastest_step_s = step_s(work, machine, remaining[i], static_cast<std::int64_t>(i), 1);
    for (const std::int64_t size : useful_group_sizes(work.micro_batches, work.micro_batches)) {
      fastest_step_s =
          std::min(fastest_step_s, step_s(work, machine, remaining[i], static_cast<std::int64_t>(i), size));
    }
    longest = std::max(longest, static_cast<double>(remaining[i].num_steps) * fastest_step_s);
  }
  return longest;
}

}  // namespace incubate
