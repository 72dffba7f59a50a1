#pragma once

#include "config/run_config.h"

namespace incubate {

/// Checks every value and every pair that must fit, before anything is allocated. Throws InputError with the first
/// fault.
void validate(const RunConfig& config);
/// The same of all but data.file: what a plan needs.
void validate_without_data_file(const RunConfig& config);

}  // namespace incubate
