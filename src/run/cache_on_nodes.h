#pragma once

#include <filesystem>
#include <string>

#include "base/log.h"
#include "config/run_config.h"
#include "parallel/communicator.h"

namespace incubate {

/// Copies the shards of `data`'s set to every node, its ranks together, and returns their folder; "" for images in one
/// array, which need no copy. `digest` identifies the set: other sets and older states have other folders. Existing
/// copies are not made again. Throws AgreedInputError on every rank if a node has too little space. Collective.
std::filesystem::path cache_on_nodes(const DataConfig& data, const std::string& digest, Communicator& world, Log& log);

}  // namespace incubate
