#pragma once

#include <string>
#include <vector>

#include "config/parse.h"
#include "config/run_config.h"

namespace incubate {

/// On stderr: stdout is for what a command prints.
void print_warnings(const CommonOptions& options);

/// Reads the arguments of a command about a run, on one rank: `config`, and `options` of the command alone. Where
/// run.sums is left open, it is what the run began with. False if help (`help` and all settings) or the effective
/// configuration was asked for: it has been printed. Throws InputError on bad arguments or a configuration that is not
/// valid.
bool read_run_arguments(const std::vector<std::string>& arguments, const char* help, RunConfig& config,
                        const std::vector<Setting>& options);

}  // namespace incubate
