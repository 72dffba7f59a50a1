#pragma once

#include <string>

#include "config/plan_config.h"
#include "method/plan_report.h"

namespace incubate {

/// The plan as one JSON object. Times are in seconds, at 1 TFLOP/s a rank if rank_tflops is not known (null).
std::string plan_to_json(const PlanReport& report, const PlanConfig& config);

}  // namespace incubate
