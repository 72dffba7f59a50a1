#pragma once

#include "config/run_config.h"

namespace incubate {

/// Checks what must fit together, before anything is allocated; each value by itself was checked when it was read.
/// Throws InputError with the first fault.
void validate(const RunConfig& config);
/// The same of all but data.file: what a plan needs.
void validate_without_data_file(const RunConfig& config);

}  // namespace incubate
