#pragma once

#include "base/log.h"
#include "config/run_config.h"
#include "parallel/communicator.h"

namespace incubate {

/// Runs what is ready and not done of the method until nothing is left: first start and restart are the same. Prints
/// the results. Throws AgreedInputError if what the user gave is wrong. Collective over `world`. REQUIRES:
/// validate(config) passed; `config.run.directory` is set.
void run_method(const RunConfig& config, Communicator& world, Log& log);

}  // namespace incubate
