#pragma once

#include <string>

#include "config/plan_config.h"
#include "forecast/plan_report.h"

namespace incubate {

/// Returns the plan as one JSON object. Times are in seconds; if rank_tflops is unknown (null), at 1 TFLOP/s per rank.
/// With run.device=cuda trainings and groups also have gpu_memory_bytes, which is valid there: memory_bytes assumes
/// fp32.
std::string plan_to_json(const PlanReport& report, const PlanConfig& config);

}  // namespace incubate
