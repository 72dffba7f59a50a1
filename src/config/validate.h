#pragma once

#include "config/run_config.h"

namespace incubate {

/// Throws InputError with the first settings that do not fit together. Reading has already checked each value alone.
void validate(const RunConfig& config);
/// Does the same without data.file, for plans.
void validate_without_data_file(const RunConfig& config);

}  // namespace incubate
