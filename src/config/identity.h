#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/run_config.h"

namespace incubate {

/// Returns the result settings that a training of `phase` depends on, as "name=value" lines. They come from the
/// sections model, data, batch, optimizer (settings in use), run and the phase. Depths are left out, since a training
/// names its own, and settings of the other family.
std::string result_settings(const RunConfig& config, Phase phase);

/// How a training's weights were, or are to be, made.
struct IdentityTexts {
  const std::string& identity;  ///< settings and parents that determine the result, one a line
  const std::string& config;    ///< effective configuration, as INI: also has the settings that an identity leaves out
};
/// Returns a text such as "'meta.mixup=0' there, 'meta.mixup=1' here" for each setting that differs. Steps, depths and
/// parents stand for the settings that they come from. What follows from a named difference is left out.
std::vector<std::string> list_differences(const IdentityTexts& there, const IdentityTexts& here);

/// Returns a hash of `text`: 32 hexadecimal digits (XXH3, 128 bits).
std::string hash_text(std::string_view text);

}  // namespace incubate
