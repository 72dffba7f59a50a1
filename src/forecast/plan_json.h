#pragma once

#include <string>

#include "config/plan_config.h"
#include "forecast/plan_report.h"

namespace incubate {

/// The plan as one JSON object. Times are in seconds, at 1 TFLOP/s a rank if rank_tflops is not known (null). With
/// run.device=cuda trainings and groups also have gpu_memory_bytes, which is the truth there: memory_bytes knows fp32
/// alone.
std::string plan_to_json(const PlanReport& report, const PlanConfig& config);

}  // namespace incubate
