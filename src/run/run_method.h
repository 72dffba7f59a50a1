#pragma once

#include "base/log.h"
#include "config/run_config.h"
#include "parallel/communicator.h"

namespace incubate {

/// How a run ended without failing.
enum class Ending {
  done,
  stopped,  ///< on request, with everything saved; the next start continues
};

/// Trains everything that is not done, in the order of the method; first start and restart are the same. Prints the
/// results. When asked to stop (see stop_request.h), saves and returns within about a step. Throws AgreedInputError if
/// the user's input is wrong. Collective over `world`. REQUIRES: validate(config) passed; `config.run.directory` is
/// set.
Ending run_method(const RunConfig& config, Communicator& world, Log& log);

}  // namespace incubate
