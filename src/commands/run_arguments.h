#pragma once

#include <string>
#include <vector>

#include "config/run_config.h"

namespace incubate {

/// Reads the arguments of a command about a run, on one rank: `config`, and `options` of the command alone. False if
/// help
/// (`help` and all settings) or the effective configuration was asked for: it has been printed. Throws InputError on
/// bad arguments or a configuration that is not valid.
bool read_run_arguments(const std::vector<std::string>& arguments, const char* help, RunConfig& config,
                        const std::vector<Setting>& options);

}  // namespace incubate
