#include "train/lr_schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace incubate {

LrSchedule make_lr_schedule(const PhaseConfig& phase, std::int64_t global_batch, std::int64_t steps_per_epoch,
                            std::int64_t total_steps) {
  return {.peak = phase.learning_rate * static_cast<double>(global_batch) / 512,
          .min = phase.min_learning_rate,
          .warmup_start = phase.warmup_learning_rate,
          .warmup_steps = phase.warmup_epochs * static_cast<double>(steps_per_epoch),
          .total_steps = total_steps,
          .shape = phase.schedule,
          .power = phase.power,
          .granularity = phase.granularity,
          .steps_per_epoch = steps_per_epoch};
}

namespace {

/// Returns the step that determines the rate of `step`.
std::int64_t deciding_step(const LrSchedule& schedule, std::int64_t step) {
  if (schedule.granularity == Granularity::step) return step;
  const std::int64_t epoch = step / schedule.steps_per_epoch;
  return std::max<std::int64_t>(epoch - 1, 0) * schedule.steps_per_epoch;
}

}  // namespace

bool reaches_peak(const LrSchedule& schedule) {
  return static_cast<double>(deciding_step(schedule, schedule.total_steps - 1)) >= schedule.warmup_steps;
}

double learning_rate_at(const LrSchedule& schedule, std::int64_t step) {
  const auto t = static_cast<double>(deciding_step(schedule, step));
  if (t < schedule.warmup_steps) {
    return schedule.warmup_start + ((schedule.peak - schedule.warmup_start) * t / schedule.warmup_steps);
  }
  const auto total = static_cast<double>(schedule.total_steps);
  const double share = schedule.shape == Schedule::polynomial ? std::pow(1 - (t / total), schedule.power)
                                                              : (1 + std::cos(std::numbers::pi * t / total)) / 2;
  return schedule.min + ((schedule.peak - schedule.min) * share);
}

}  // namespace incubate
