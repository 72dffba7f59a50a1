#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "forecast/cost_model.h"
#include "schedule/planner.h"

namespace incubate {

/// What the ranks are like.
struct Machine {
  std::int64_t num_ranks = 1;
  double rank_flops_per_s = 1e12;  ///< that training reaches
  double network_bytes_per_s = 0;  ///< of a rank; 0: reductions take no time
  double round_cost_s = 0;         ///< see RunSection
};

/// The trainings of one phase, which need nothing of each other, and what of their cost does not depend on the number
/// of ranks.
struct PhaseWork {
  Phase phase = Phase::meta;
  std::vector<const Training*> trainings = {};
  std::int64_t micro_batches = 1;  ///< of a step
  MemorySettings memory = {};
  std::vector<double> block_flops = {};          ///< of each training, in all
  std::vector<std::int64_t> reduced_bytes = {};  ///< of each training's step
};

/// Of the trainings that are chosen; maybe none.
PhaseWork make_phase_work(const RunConfig& config, const std::vector<Training>& trainings, Phase phase);

struct GroupForecast {
  GroupPlan plan;
  double busy_s = 0;
};

/// Groups that work at the same time, on ranks from 0 on; the ranks from `first_idle_rank` on are idle.
struct RoundForecast {
  std::vector<GroupForecast> groups;
  double predicted_s = 0;  ///< of the slowest group
  std::int64_t first_idle_rank = 0;
};

struct PhaseForecast {
  std::vector<RoundForecast> rounds = {};
  double ideal_s = 0;      ///< perfect scaling: the block FLOPs over those of all ranks a second
  double bound_s = 0;      ///< no deal of the ranks is faster (makespan_bound()), even without reductions
  double predicted_s = 0;  ///< of all rounds, their costs included
  double busy_rank_s = 0;  ///< rank-seconds of groups at work

  double efficiency() const { return ideal_s / predicted_s; }
};

/// The rounds that plan_rounds() makes of a phase, and how long they take: a group of n ranks needs for each step
/// ceil(M/n) micro-batches one after the other and a reduction.
PhaseForecast forecast_phase(const PhaseWork& work, const Machine& machine);

/// What the group carries on.
std::vector<const Training*> trainings_of(const GroupForecast& group, const PhaseWork& work);
/// What its memory depends on.
MemorySettings memory_settings_of(const GroupForecast& group, const PhaseWork& work);
/// Memory of a rank of the group.
Memory memory_of(const GroupForecast& group, const PhaseWork& work);

/// As PhaseForecast.
double ideal_s(const PhaseWork& work, const Machine& machine);
double bound_s(const PhaseWork& work, const Machine& machine);

/// The phase's longest training alone, with as many ranks as make it fastest: more are of no use to the phase.
double critical_path_s(const PhaseWork& work, const Machine& machine);

}  // namespace incubate
