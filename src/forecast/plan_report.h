#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/plan_config.h"
#include "forecast/gpu_memory.h"
#include "forecast/phase_forecast.h"

namespace incubate {

/// A training's cost. It depends on the number of ranks only by a sharded optimizer's state.
struct TrainingCost {
  const Training* training = nullptr;
  std::int64_t num_parameters = 0;
  std::int64_t num_learning_parameters = 0;
  std::int64_t micro_batches = 0;           ///< per step
  double block_flops = 0;                   ///< of all steps
  std::int64_t reduced_bytes_per_step = 0;  ///< summed by a group
  std::int64_t smallest_group = 1;          ///< smallest group that trains it, in ranks
  Memory memory = {};                       ///< of a rank of that group, training nothing else
  std::optional<GpuPlan> gpu = {};          ///< the same, with run.device=cuda
};

/// The largest number of ranks (up to 4096) at which a method is still efficient. Fewer ranks may be less efficient: a
/// step takes ceil(M/n) micro-batches, so efficiency falls and rises again.
struct Scaling {
  std::int64_t num_ranks = 0;
  double efficiency = 0;
};

/// A method of training the target network, with successive phases (see list_methods()).
struct MethodForecast {
  std::string method;
  std::vector<Phase> phases = {};
  double block_flops = 0;
  double ideal_s = 0;
  double predicted_s = 0;
  double busy_rank_s = 0;                     ///< as Cost::rank_s: idle ranks do not count
  double allocated_rank_s = 0;                ///< of all ranks from begin to end
  double critical_path_s = 0;                 ///< with as many ranks as are useful, without round costs
  double reduced_bytes = 0;                   ///< summed by all groups, all steps
  double reduced_bytes_critical_path = 0;     ///< summed by the group of each phase that sums most
  double reduced_bytes_per_step = 0;          ///< summed by a group, mean over all steps
  std::optional<Scaling> at_80_percent = {};  ///< empty: not even one rank is so efficient

  double efficiency() const { return ideal_s / predicted_s; }
  /// Returns the part of the allocation in which ranks have nothing to do.
  double idle() const { return 1 - (busy_rank_s / allocated_rank_s); }
};

struct PhasePlan {
  PhaseWork work;
  PhaseForecast forecast;
};

/// Costs of a configuration's chosen trainings, and the plan for N ranks.
struct PlanReport {
  Machine machine;
  std::int64_t num_images = 0;
  std::int64_t global_batch = 0;
  Sums sums = Sums::exact;
  bool is_on_gpus = false;  ///< run.device=cuda
  std::vector<TrainingCost> trainings = {};
  std::vector<PhasePlan> phases = {};        ///< in the order of running
  std::vector<MethodForecast> methods = {};  ///< methods whose trainings are all chosen
  std::vector<std::string> warnings = {};    ///< of the configuration; make_plan_report() has none
  /// The methods with the other kind of sums: unless run.sums is set, GPUs and CPUs use different kinds.
  std::vector<MethodForecast> methods_with_other_sums = {};

  Sums other_sums() const { return sums == Sums::exact ? Sums::fast : Sums::exact; }

  /// Returns the phases with fewer micro-batches than ranks, of all their trainings together.
  std::vector<Phase> phases_with_idle_ranks() const;
  /// Returns the largest micro-batch of which a step has one for every rank; nullopt if the batch is smaller.
  std::optional<std::int64_t> micro_for_all_ranks() const;
  /// Returns the method `name`; null if it is not chosen.
  const MethodForecast* find_method(const std::string& name) const;
};

/// Returns the report. It points to `trainings`, which must outlive it. REQUIRES: `trainings` belong to `config`.
PlanReport make_plan_report(const RunConfig& config, const std::vector<Training>& trainings, std::int64_t num_images,
                            const Machine& machine);

/// Returns the plan as tables for people. Without rank_tflops they show proportions instead of times.
std::string format_plan(const PlanReport& report, const PlanConfig& config);

/// Returns the plan as one JSON object. Times are in seconds; if rank_tflops is unknown (null), at 1 TFLOP/s per rank.
/// With run.device=cuda trainings and groups also have gpu_memory_bytes, which is valid there: memory_bytes assumes
/// fp32.
std::string plan_to_json(const PlanReport& report, const PlanConfig& config);

/// Returns the largest number of ranks up to `most` at which successive `phases` reach `efficiency` together.
std::optional<Scaling> find_scaling(std::vector<const PhaseWork*> phases, const Machine& machine, double efficiency,
                                    std::int64_t most);

}  // namespace incubate
