#pragma once

#include <string>
#include <vector>

#include "config/run_config.h"
#include "config/validate.h"

namespace incubate {

/// Reads the arguments of a command about a run, on one rank: `config` and the command's own `options`. If the user
/// leaves run.sums open, an existing run determines it. Prints warnings to stderr, because stdout is for results.
/// Returns false after printing help (`help` and all settings, or a section's settings) or the effective configuration.
/// Throws InputError on bad arguments or a configuration that `check` refuses.
bool read_run_arguments(const std::vector<std::string>& arguments, const char* help, RunConfig& config,
                        const std::vector<Setting>& options, void (*check)(const RunConfig&) = validate);

}  // namespace incubate
