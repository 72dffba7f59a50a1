#pragma once

#include <string>
#include <string_view>

#include "config/run_config.h"

namespace incubate {

/// Returns the result settings that a training of `phase` depends on, as "name=value" lines. They come from the
/// sections model, data, batch, optimizer (settings in use), run and the phase. Depths are left out, since a training
/// names its own, and settings of the other family.
std::string result_settings(const RunConfig& config, Phase phase);

/// Returns a hash of `text`: 32 hexadecimal digits (XXH3, 128 bits).
std::string hash_text(std::string_view text);

}  // namespace incubate
