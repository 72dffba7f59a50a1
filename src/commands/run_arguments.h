#pragma once

#include <string>
#include <vector>

#include "config/run_config.h"
#include "config/validate.h"

namespace incubate {

/// Reads the arguments of a command about a run, on one rank: `config`, and `options` of the command alone. Where
/// run.sums is left open, it is what the run began with. Warnings go to stderr: stdout is for what a command prints.
/// False if help (`help` and all settings, or those of a section) or the effective configuration was asked for: it has
/// been printed. Throws InputError on bad arguments or a configuration that `check` refuses.
bool read_run_arguments(const std::vector<std::string>& arguments, const char* help, RunConfig& config,
                        const std::vector<Setting>& options, void (*check)(const RunConfig&) = validate);

}  // namespace incubate
