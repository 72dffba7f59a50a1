#pragma once

#include <string>
#include <vector>

#include "config/run_config.h"
#include "config/validate.h"
#include "parallel/communicator.h"

namespace incubate {

/// Reads the arguments of a command about a run, on one rank: `config` and the command's own `options`. If the user
/// leaves run.sums open, an existing run determines it. Prints warnings to stderr, because stdout is for results.
/// Returns false after printing help (`help` and all settings, or a section's settings) or the effective configuration.
/// Throws InputError on bad arguments or a configuration that `check` refuses. If `files` is given, words that are no
/// input file are added to it.
bool read_run_arguments(const std::vector<std::string>& arguments, const char* help, RunConfig& config,
                        const std::vector<Setting>& options, void (*check)(const RunConfig&) = validate,
                        std::vector<std::string>* files = nullptr);

/// Does the same on every rank: rank 0 reads arguments and input file, the others get its values (but not its `files`).
/// Throws AgreedInputError. Collective over `world`.
void read_shared_arguments(const std::vector<std::string>& arguments, RunConfig& config,
                           const std::vector<Setting>& options, const Communicator& world,
                           void (*check)(const RunConfig&) = validate, std::vector<std::string>* files = nullptr);

}  // namespace incubate
