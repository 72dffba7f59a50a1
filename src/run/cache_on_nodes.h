#pragma once

#include <filesystem>
#include <string>

#include "base/log.h"
#include "config/run_config.h"
#include "parallel/communicator.h"

namespace incubate {

/// Copies the shards of the set that `data` names to every node, its ranks together, and returns their folder; of
/// images in one array there is nothing to copy, and the folder is empty. `digest` names the set: copies of other sets,
/// or of an older state of this one, are in other folders. What is there from an earlier start is not copied again.
/// Throws AgreedInputError on every rank if there is no room on some node. Collective.
std::filesystem::path cache_on_nodes(const DataConfig& data, const std::string& digest, Communicator& world, Log& log);

}  // namespace incubate
