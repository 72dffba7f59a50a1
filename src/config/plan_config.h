#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "config/setting.h"

namespace incubate {

/// What `incubate plan` is told beside the configuration of the run.
struct PlanConfig {
  std::optional<std::int64_t> num_ranks;
  std::optional<double> rank_tflops;
  std::optional<double> network_gbps;
  std::optional<std::int64_t> num_images;
  bool json = false;
  bool list = false;
};

std::vector<Setting> list_settings(PlanConfig& config);

/// Throws InputError when the ranks are missing.
void validate(const PlanConfig& config);

}  // namespace incubate
