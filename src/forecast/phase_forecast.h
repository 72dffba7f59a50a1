#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "forecast/cost_model.h"
#include "schedule/planner.h"

namespace incubate {

/// The ranks' number and speed.
struct Machine {
  std::int64_t num_ranks = 1;
  double rank_flops_per_s = 1e12;  ///< reached in training
  double network_bytes_per_s = 0;  ///< per rank; 0: reductions take no time
  double round_cost_s = 0;         ///< see RunSection
};

/// The trainings of one phase, which do not depend on each other, and the costs that do not depend on the number of
/// ranks.
struct PhaseWork {
  Phase phase = Phase::meta;
  std::vector<const Training*> trainings = {};
  std::int64_t micro_batches = 1;  ///< per step
  MemorySettings memory = {};
  std::vector<double> block_flops = {};          ///< per training, of all its steps
  std::vector<std::int64_t> reduced_bytes = {};  ///< per step of each training
};

/// Returns the phase's chosen trainings; there may be none.
PhaseWork make_phase_work(const RunConfig& config, const std::vector<Training>& trainings, Phase phase);

struct GroupForecast {
  GroupPlan plan;
  double busy_s = 0;
};

/// Groups that train at the same time, on ranks from 0 on. The ranks from `first_idle_rank` on are idle.
struct RoundForecast {
  std::vector<GroupForecast> groups;
  double predicted_s = 0;  ///< of the slowest group
  std::int64_t first_idle_rank = 0;
};

struct PhaseForecast {
  std::vector<RoundForecast> rounds = {};
  double ideal_s = 0;      ///< perfect scaling: block FLOPs / block FLOP/s of all ranks
  double bound_s = 0;      ///< no assignment of ranks is faster (makespan_bound()), even without reductions
  double predicted_s = 0;  ///< of all rounds, including their costs
  double busy_rank_s = 0;  ///< rank-seconds in which groups work

  double efficiency() const { return ideal_s / predicted_s; }
};

/// Returns the rounds of plan_rounds() for a phase, with their times. A step of a group of n ranks takes ceil(M/n)
/// micro-batches one after the other and a reduction.
PhaseForecast forecast_phase(const PhaseWork& work, const Machine& machine);

/// Returns the trainings of a group.
std::vector<const Training*> trainings_of(const GroupForecast& group, const PhaseWork& work);
/// Returns the settings that the group's memory depends on.
MemorySettings memory_settings_of(const GroupForecast& group, const PhaseWork& work);
/// Returns the memory of a rank of the group.
Memory memory_of(const GroupForecast& group, const PhaseWork& work);

/// Return the members of PhaseForecast with these names.
double ideal_s(const PhaseWork& work, const Machine& machine);
double bound_s(const PhaseWork& work, const Machine& machine);

/// Returns the time of the phase's longest training alone, on the number of ranks that makes it fastest.
double critical_path_s(const PhaseWork& work, const Machine& machine);

}  // namespace incubate
