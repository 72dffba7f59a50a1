#pragma once

#include "base/log.h"
#include "config/run_config.h"
#include "parallel/communicator.h"

namespace incubate {

/// How a run ended that did not fail.
enum class Ending {
  done,
  stopped,  ///< on request, with everything saved: the next start goes on
};

/// Runs what is ready and not done of the method until nothing is left: first start and restart are the same. Prints
/// the results. Asked to stop (see stop_request.h), it saves and returns within about a step. Throws AgreedInputError
/// if what the user gave is wrong. Collective over `world`. REQUIRES: validate(config) passed; `config.run.directory`
/// is set.
Ending run_method(const RunConfig& config, Communicator& world, Log& log);

}  // namespace incubate
