#include "forecast/plan_report.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "forecast/outlasting_settings.h"
#include "report/summary.h"

namespace incubate {
namespace {

using Phases = std::vector<const PhasePlan*>;

bool is_on_gpus(const RunConfig& config) { return config.run.device == DeviceChoice::cuda; }

std::int64_t smallest_group(const std::vector<PhasePlan>& phases, const Training& training) {
  std::int64_t smallest = std::numeric_limits<std::int64_t>::max();
  for (const PhasePlan& phase : phases) {
    for (const RoundForecast& round : phase.forecast.rounds) {
      for (const GroupForecast& group : round.groups) {
        const bool carries_on = std::ranges::count(trainings_of(group, phase.work), &training) > 0;
        if (carries_on) smallest = std::min(smallest, group.plan.num_ranks);
      }
    }
  }
  return smallest;
}

TrainingCost cost_of(const RunConfig& config, const Training& training, std::int64_t num_ranks) {
  MemorySettings memory = memory_settings(config, training.phase);
  memory.num_ranks = num_ranks;
  return {.training = &training,
          .num_parameters = num_parameters(training),
          .num_learning_parameters = num_learning_parameters(training),
          .micro_batches = micro_batches_of(config, training.phase),
          .block_flops = training.block_flops(config.batch.global),
          .reduced_bytes_per_step = reduced_bytes_per_step(training, sums_of(config.run)),
          .smallest_group = num_ranks,
          .memory = memory_per_rank({&training}, memory),
          .gpu = is_on_gpus(config) ? std::optional(plan_gpu(config, training, num_ranks)) : std::nullopt};
}

/// Adds the bytes that the phase's groups reduce to `method`. Returns the number of their steps.
double add_reduced_bytes(const PhaseWork& work, MethodForecast& method) {
  double most = 0;
  double num_steps = 0;
  for (std::size_t i = 0; i < work.trainings.size(); ++i) {
    const auto steps = static_cast<double>(work.trainings[i]->total_steps);
    const double bytes = steps * static_cast<double>(work.reduced_bytes[i]);
    method.reduced_bytes += bytes;
    most = std::max(most, bytes);
    num_steps += steps;
  }
  method.reduced_bytes_critical_path += most;
  return num_steps;
}

/// Returns the efficiency of the phases together, or 0 if it is below `enough`. Bounds on the phases' times, replaced
/// by planned times one after the other, usually decide early.
double efficiency_if_enough(const std::vector<const PhaseWork*>& phases, const Machine& machine, double enough) {
  constexpr double kRounding = 1e-9;
  double ideal = 0;
  double time_s = 0;
  std::vector<double> bounds;
  for (const PhaseWork* work : phases) {
    ideal += ideal_s(*work, machine);
    bounds.push_back(bound_s(*work, machine) + machine.round_cost_s);
    time_s += bounds.back();
  }
  for (std::size_t i = 0; i < phases.size(); ++i) {
    if (ideal < enough * (1 - kRounding) * time_s) return 0;
    time_s += forecast_phase(*phases[i], machine).predicted_s - bounds[i];
  }
  return ideal < enough * (1 - kRounding) * time_s ? 0 : ideal / time_s;
}

MethodForecast forecast_method(const MethodRow& row, const Phases& phases, const Machine& machine) {
  constexpr double kEfficiency = 0.8;
  constexpr std::int64_t kMostRanks = 4096;
  MethodForecast method{.method = row.method, .phases = lineage_of(row.phase)};
  std::vector<const PhaseWork*> works;
  double num_steps = 0;
  for (const PhasePlan* phase : phases) {
    for (const double flops : phase->work.block_flops) method.block_flops += flops;
    method.ideal_s += phase->forecast.ideal_s;
    method.predicted_s += phase->forecast.predicted_s;
    method.busy_rank_s += phase->forecast.busy_rank_s;
    method.allocated_rank_s += phase->forecast.predicted_s * static_cast<double>(machine.num_ranks);
    method.critical_path_s += critical_path_s(phase->work, machine);
    num_steps += add_reduced_bytes(phase->work, method);
    works.push_back(&phase->work);
  }
  method.reduced_bytes_per_step = method.reduced_bytes / num_steps;
  method.at_80_percent = find_scaling(works, machine, kEfficiency, kMostRanks);
  return method;
}

Phases phases_of(const std::vector<Phase>& lineage, const std::vector<PhasePlan>& all) {
  Phases phases;
  for (const PhasePlan& phase : all) {
    if (std::ranges::count(lineage, phase.work.phase) > 0) phases.push_back(&phase);
  }
  return phases;
}

std::vector<PhasePlan> plan_phases(const RunConfig& config, const std::vector<Training>& trainings,
                                   const Machine& machine) {
  std::vector<PhasePlan> phases;
  for (const MethodRow& row : kMethodTable) {
    PhaseWork work = make_phase_work(config, trainings, row.phase);
    if (work.trainings.empty()) continue;
    PhaseForecast forecast = forecast_phase(work, machine);
    phases.push_back({std::move(work), std::move(forecast)});
  }
  return phases;
}

std::vector<MethodForecast> forecast_methods(const std::vector<Training>& trainings,
                                             const std::vector<PhasePlan>& phases, const Machine& machine) {
  std::vector<MethodForecast> methods;
  for (const MethodRow* method : list_methods()) {
    // A part of other methods, such as the meta model, is no method itself: its phase states its cost.
    const bool is_chosen = find_training(trainings, method->training).is_chosen;
    if (is_chosen && *method->choice != '\0') {
      methods.push_back(forecast_method(*method, phases_of(lineage_of(method->phase), phases), machine));
    }
  }
  return methods;
}

}  // namespace

std::vector<Phase> PlanReport::phases_with_idle_ranks() const {
  std::vector<Phase> idle;
  for (const PhasePlan& plan : phases) {
    if (plan.work.micro_batches * std::ssize(plan.work.trainings) < machine.num_ranks) idle.push_back(plan.work.phase);
  }
  return idle;
}

std::optional<std::int64_t> PlanReport::micro_for_all_ranks() const {
  for (std::int64_t micro = global_batch / machine.num_ranks; micro > 0; --micro) {
    if (global_batch % micro == 0) return micro;
  }
  return std::nullopt;
}

const MethodForecast* PlanReport::find_method(const std::string& name) const {
  const auto found = std::ranges::find(methods, name, &MethodForecast::method);
  return found == methods.end() ? nullptr : &*found;
}

std::optional<Scaling> find_scaling(std::vector<const PhaseWork*> phases, const Machine& machine, double efficiency,
                                    std::int64_t most) {
  // Phases with few trainings are planned quickly, so they go first.
  std::ranges::stable_sort(phases, {}, [](const PhaseWork* work) { return work->trainings.size(); });
  Machine smaller = machine;
  for (smaller.num_ranks = most; smaller.num_ranks >= 1; --smaller.num_ranks) {
    const double reached = efficiency_if_enough(phases, smaller, efficiency);
    if (reached > 0) return Scaling{smaller.num_ranks, reached};
  }
  return std::nullopt;
}

PlanReport make_plan_report(const RunConfig& config, const std::vector<Training>& trainings, std::int64_t num_images,
                            const Machine& machine) {
  PlanReport report{.machine = machine,
                    .num_images = num_images,
                    .global_batch = config.batch.global,
                    .sums = sums_of(config.run),
                    .is_on_gpus = is_on_gpus(config),
                    .phases = plan_phases(config, trainings, machine)};
  for (const Training& training : trainings) {
    if (!training.is_chosen) continue;
    report.trainings.push_back(cost_of(config, training, smallest_group(report.phases, training)));
  }
  report.methods = forecast_methods(trainings, report.phases, machine);
  report.warnings = find_outlasting(config, trainings, num_images);
  RunConfig other = config;
  other.run.sums = report.sums == Sums::exact ? SumsChoice::fast : SumsChoice::exact;
  report.methods_with_other_sums = forecast_methods(trainings, plan_phases(other, trainings, machine), machine);
  return report;
}

}  // namespace incubate
