#pragma once

#include <vector>

#include <torch/types.h>

#include "base/out_of_memory.h"
#include "method/training.h"

namespace incubate {

/// Returns the memory that a rank of a group of `num_ranks` needs for `trainings`, all of one phase, as `incubate plan`
/// states it, with the user's remedies.
MemoryNeed describe_memory(const RunConfig& config, const std::vector<const Training*>& trainings, torch::Device device,
                           std::int64_t num_ranks);

/// Returns the memory that `incubate export` or `import` needs for the network of `training`.
MemoryNeed describe_exchange_memory(const Training& training);

}  // namespace incubate
