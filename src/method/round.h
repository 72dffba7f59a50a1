#pragma once

#include <functional>
#include <vector>

#include "method/deal.h"
#include "method/run_context.h"
#include "parallel/communicator.h"
#include "parallel/status_channel.h"

namespace incubate {

/// Trains `indices` at the same time, each on its own group of ranks (or several after each other on one), from files
/// to files. Returns on every rank when all are done. Collective over `world`.
void run_round(const RunContext& context, const std::vector<std::int64_t>& indices, const Communicator& world,
               torch::Device device, StatusChannel& channel);

}  // namespace incubate
