#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "config/setting.h"

namespace incubate {

/// Options of `incubate plan` besides the run's configuration.
struct PlanConfig {
  std::optional<std::int64_t> num_ranks;
  std::optional<double> rank_tflops;
  std::optional<double> network_gbps;
  std::optional<std::int64_t> num_images;
  double job_hours = 24;
  std::int64_t ranks_per_node = 8;
  bool json = false;
};

std::vector<Setting> list_settings(PlanConfig& config);

/// Throws InputError if the number of ranks is missing.
void validate(const PlanConfig& config);

}  // namespace incubate
