#pragma once

#include <cstdint>

#include "config/run_config.h"

namespace incubate {

/// A linear warm-up, then rate(t) = min + (peak - min) f(t / T). The warm-up hides the beginning of f and does not
/// shift it, as in DeiT's recipe. Schedule::cosine (Loshchilov and Hutter, ICLR 2017): f(x) = (1 + cos(pi x)) / 2.
/// Schedule::polynomial (Chen et al., TPAMI 2018, "DeepLab"): f(x) = (1 - x)^power. With Granularity::epoch_lagged a
/// step of epoch e has the rate of the first step of epoch max(e - 1, 0).
struct LrSchedule {
  double peak = 0;
  double min = 0;
  double warmup_start = 0;
  double warmup_steps = 0;
  std::int64_t total_steps = 0;
  Schedule shape = Schedule::cosine;
  double power = 1;
  Granularity granularity = Granularity::step;
  std::int64_t steps_per_epoch = 1;
};

/// Returns the schedule of a phase. Its learning rate is given for a global batch of 512 and scales linearly.
LrSchedule make_lr_schedule(const PhaseConfig& phase, std::int64_t global_batch, std::int64_t steps_per_epoch,
                            std::int64_t total_steps);

/// Returns whether the warm-up ends before the training does.
bool reaches_peak(const LrSchedule& schedule);

/// Returns the learning rate of a step. REQUIRES: 0 <= step < total_steps.
double learning_rate_at(const LrSchedule& schedule, std::int64_t step);

}  // namespace incubate
