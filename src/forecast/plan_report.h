#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "forecast/gpu_memory.h"
#include "forecast/phase_forecast.h"

namespace incubate {

/// A training's cost, on any number of ranks but for a sharded optimizer's state.
struct TrainingCost {
  const Training* training = nullptr;
  std::int64_t num_parameters = 0;
  std::int64_t num_learning_parameters = 0;
  std::int64_t micro_batches = 0;           ///< of a step
  double block_flops = 0;                   ///< in all
  std::int64_t reduced_bytes_per_step = 0;  ///< by a group
  std::int64_t smallest_group = 1;          ///< of those that carry it on, in ranks
  Memory memory = {};                       ///< of a rank of that group, with nothing else to train
  std::optional<GpuPlan> gpu = {};          ///< the same, with run.device=cuda
};

/// The largest number of ranks (up to 4096) at which a method is still efficient. Fewer need not be: a step lasts as
/// long as ceil(M/n) micro-batches, so efficiency falls and rises again.
struct Scaling {
  std::int64_t num_ranks = 0;
  double efficiency = 0;
};

/// A way to come by the network, whose phases follow each other (see list_methods()).
struct MethodForecast {
  std::string method;
  std::vector<Phase> phases = {};
  double block_flops = 0;
  double ideal_s = 0;
  double predicted_s = 0;
  double busy_rank_s = 0;                     ///< as Cost::rank_s: ranks that idle do not count
  double critical_path_s = 0;                 ///< with as many ranks as are of use, round costs left out
  double reduced_bytes = 0;                   ///< by all groups, all steps
  double reduced_bytes_critical_path = 0;     ///< by the group of each phase that reduces most
  double reduced_bytes_per_step = 0;          ///< of a group, mean over all steps
  std::optional<Scaling> at_80_percent = {};  ///< none: not even one rank is that efficient

  double efficiency() const { return ideal_s / predicted_s; }
};

struct PhasePlan {
  PhaseWork work;
  PhaseForecast forecast;
};

/// What the chosen trainings of a configuration cost, and how N ranks would carry them out.
struct PlanReport {
  Machine machine;
  std::int64_t num_images = 0;
  std::int64_t global_batch = 0;
  Sums sums = Sums::exact;
  bool is_on_gpus = false;  ///< run.device=cuda
  Recompute recompute = Recompute::none;
  std::vector<TrainingCost> trainings = {};
  std::vector<PhasePlan> phases = {};        ///< in the order that they are run
  std::vector<MethodForecast> methods = {};  ///< whose trainings are all chosen
  /// The same with the other kind of sums: a run on GPUs has other ones than on the CPU unless run.sums is given.
  std::vector<MethodForecast> methods_with_other_sums = {};

  Sums other_sums() const { return sums == Sums::exact ? Sums::fast : Sums::exact; }

  /// Null if it is not chosen.
  const MethodForecast* find_method(const std::string& name) const;
};

/// REQUIRES: `trainings` are those of `config`, and outlive the report, which points to them.
PlanReport make_plan_report(const RunConfig& config, const std::vector<Training>& trainings, std::int64_t num_images,
                            const Machine& machine);

/// The largest number of ranks up to `most` at which the phases, one after the other, have at least `efficiency`.
std::optional<Scaling> find_scaling(std::vector<const PhaseWork*> phases, const Machine& machine, double efficiency,
                                    std::int64_t most);

}  // namespace incubate
