#pragma once

#include <string>

#include "config/plan_config.h"
#include "forecast/plan_report.h"

namespace incubate {

/// Returns the plan as tables for people. Without rank_tflops they show proportions instead of times.
std::string format_plan(const PlanReport& report, const PlanConfig& config);

}  // namespace incubate
