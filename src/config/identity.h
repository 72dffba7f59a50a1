#pragma once

#include <string>
#include <string_view>

#include "config/run_config.h"

namespace incubate {

/// The result settings that a training of `phase` depends on, as "name=value" lines: those of model (but for the
/// depths, since a training names its own, and for what applies to another family), data, batch, optimizer (the one in
/// use), run and of the phase itself.
std::string result_settings(const RunConfig& config, Phase phase);

/// 32 hexadecimal digits that stand for `text` (XXH3, 128 bits).
std::string hash_text(std::string_view text);

}  // namespace incubate
