#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "forecast/plan_report.h"

namespace incubate {
namespace {

using PlanJson = nlohmann::ordered_json;

template <typename T>
PlanJson to_json(const std::optional<T>& value) {
  return value ? PlanJson(*value) : PlanJson(nullptr);
}

PlanJson to_json(const Memory& memory) {
  return {{"weights", memory.weights}, {"gradients", memory.gradients}, {"optimizer", memory.optimizer},
          {"average", memory.average}, {"sums", memory.sums},           {"activations", memory.activations},
          {"total", memory.total()}};
}

PlanJson to_json(const GpuMemory& memory) {
  const Memory& tensors = memory.tensors;
  return {{"weights", tensors.weights},         {"copies", memory.copies},    {"gradients", tensors.gradients},
          {"optimizer", tensors.optimizer},     {"average", tensors.average}, {"sums", tensors.sums},
          {"activations", tensors.activations}, {"working", memory.working},  {"libraries", memory.libraries},
          {"reserve", memory.reserve},          {"total", memory.total()}};
}

PlanJson to_json(const GpuPlan& plan) {
  PlanJson cards = PlanJson::array();
  for (std::size_t i = 0; i < kGpuCards.size(); ++i) {
    const GpuPlan::LargestMicro& largest = plan.largest_micro[i];
    cards.push_back({{"card", kGpuCards[i].name},
                     {"bytes", kGpuCards[i].bytes},
                     {"fits", largest.kept == plan.micro},
                     {"fits_recomputed", largest.recomputed == plan.micro},
                     {"largest_micro", to_json(largest.kept)},
                     {"largest_micro_recomputed", to_json(largest.recomputed)}});
  }
  return {{"micro", plan.micro},
          {"kept", to_json(plan.kept)},
          {"recomputed", to_json(plan.recomputed)},
          {"cards", std::move(cards)}};
}

PlanJson to_json(const TrainingCost& cost) {
  PlanJson json = {{"training", cost.training->name},
                   {"phase", to_string(cost.training->phase)},
                   {"depths", cost.training->spec.depths},
                   {"learning_parameters", cost.num_learning_parameters},
                   {"parameters", cost.num_parameters},
                   {"steps", cost.training->total_steps},
                   {"micro_batches", cost.micro_batches},
                   {"block_flops", cost.block_flops},
                   {"reduced_bytes_per_step", cost.reduced_bytes_per_step},
                   {"smallest_group", cost.smallest_group},
                   {"memory_bytes", to_json(cost.memory)}};
  if (cost.gpu) json["gpu_memory_bytes"] = to_json(*cost.gpu);
  return json;
}

PlanJson to_json(const GroupForecast& group, std::size_t round, const PhaseWork& work, bool is_on_gpus) {
  PlanJson trainings = PlanJson::array();
  for (const Assignment& a : group.plan.assignments) {
    trainings.push_back({{"training", work.trainings[a.training]->name}, {"steps", a.num_steps}});
  }
  PlanJson json = {{"round", round},
                   {"first_rank", group.plan.first_rank},
                   {"num_ranks", group.plan.num_ranks},
                   {"trainings", std::move(trainings)},
                   {"predicted_s", group.busy_s},
                   {"memory_bytes", to_json(memory_of(group, work))}};
  if (is_on_gpus) {
    const std::vector<const Training*> carried_on = trainings_of(group, work);
    MemorySettings settings = memory_settings_of(group, work);
    for (const auto& [name, recompute] : {std::pair("kept", Recompute::none), {"recomputed", Recompute::blocks}}) {
      settings.recompute = recompute;
      json["gpu_memory_bytes"][name] = to_json(gpu_memory_per_rank(carried_on, settings));
    }
  }
  return json;
}

PlanJson to_json(const PhasePlan& phase, const PlanReport& report) {
  PlanJson rounds = PlanJson::array();
  PlanJson groups = PlanJson::array();
  for (std::size_t i = 0; i < phase.forecast.rounds.size(); ++i) {
    const RoundForecast& round = phase.forecast.rounds[i];
    rounds.push_back({{"round", i},
                      {"predicted_s", round.predicted_s},
                      {"cost_s", report.machine.round_cost_s},
                      {"first_idle_rank", round.first_idle_rank},
                      {"idle_ranks", report.machine.num_ranks - round.first_idle_rank}});
    for (const GroupForecast& group : round.groups) groups.push_back(to_json(group, i, phase.work, report.is_on_gpus));
  }
  return {{"phase", to_string(phase.work.phase)},
          {"ideal_s", phase.forecast.ideal_s},
          {"bound_s", phase.forecast.bound_s},
          {"predicted_s", phase.forecast.predicted_s},
          {"efficiency", phase.forecast.efficiency()},
          {"micro_batches", phase.work.micro_batches},
          {"rounds", std::move(rounds)},
          {"groups", std::move(groups)}};
}

/// `end_to_end` is null if it is not chosen.
PlanJson to_json(const MethodForecast& method, const MethodForecast* end_to_end) {
  constexpr double kHour_s = 3600;
  const std::optional<Scaling>& scaling = method.at_80_percent;
  return {{"method", method.method},
          {"block_flops", method.block_flops},
          {"ideal_s", method.ideal_s},
          {"predicted_s", method.predicted_s},
          {"efficiency", method.efficiency()},
          {"hours", method.predicted_s / kHour_s},
          {"rank_hours", method.busy_rank_s / kHour_s},
          {"allocated_rank_hours", method.allocated_rank_s / kHour_s},
          {"idle", method.idle()},
          {"critical_path_hours", method.critical_path_s / kHour_s},
          {"reduced_bytes", method.reduced_bytes},
          {"reduced_bytes_critical_path", method.reduced_bytes_critical_path},
          {"reduced_bytes_per_step", method.reduced_bytes_per_step},
          {"reduced_bytes_per_step_to_end_to_end",
           end_to_end != nullptr ? PlanJson(method.reduced_bytes_per_step / end_to_end->reduced_bytes_per_step)
                                 : PlanJson(nullptr)},
          {"ranks_at_80_percent", scaling ? PlanJson(scaling->num_ranks) : PlanJson(nullptr)},
          {"efficiency_at_these_ranks", scaling ? PlanJson(scaling->efficiency) : PlanJson(nullptr)}};
}

PlanJson to_json(const std::vector<MethodForecast>& methods) {
  const auto end_to_end = std::ranges::find(methods, "end to end", &MethodForecast::method);
  PlanJson json = PlanJson::array();
  for (const MethodForecast& method : methods) {
    json.push_back(to_json(method, end_to_end == methods.end() ? nullptr : &*end_to_end));
  }
  return json;
}

/// Returns all kinds of training, chosen or not.
PlanJson describe_method_table() {
  constexpr std::array kNetworks = {"meta", "hybrid", "target"};
  PlanJson rows = PlanJson::array();
  for (const MethodRow& row : kMethodTable) {
    PlanJson parents = PlanJson::array();
    if (row.source) parents.push_back(row_of(*row.source).name);
    rows.push_back({{"name", row.name},
                    {"training", row.training},
                    {"title", row.method},
                    {"section", row.section},
                    {"network", kNetworks[static_cast<std::size_t>(row.network)]},
                    {"parents", std::move(parents)}});
  }
  return rows;
}

}  // namespace

std::string plan_to_json(const PlanReport& report, const PlanConfig& config) {
  PlanJson trainings = PlanJson::array();
  for (const TrainingCost& cost : report.trainings) trainings.push_back(to_json(cost));
  PlanJson phases = PlanJson::array();
  for (const PhasePlan& phase : report.phases) phases.push_back(to_json(phase, report));
  const PlanJson json = {
      {"ranks", report.machine.num_ranks},
      {"rank_tflops", to_json(config.rank_tflops)},
      {"network_gbps", to_json(config.network_gbps)},
      {"round_cost_s", report.machine.round_cost_s},
      {"images", report.num_images},
      {"global_batch", report.global_batch},
      {"steps_per_epoch", report.num_images / report.global_batch},
      {"sums", to_string(report.sums)},
      {"trainings", std::move(trainings)},
      {"phases", std::move(phases)},
      {"methods", to_json(report.methods)},
      {"other_sums", {{"sums", to_string(report.other_sums())}, {"methods", to_json(report.methods_with_other_sums)}}},
      {"warnings", report.warnings},
      {"method_table", describe_method_table()}};
  return json.dump(2) + "\n";
}

}  // namespace incubate
