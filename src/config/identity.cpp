#include "config/identity.h"

#include <algorithm>

#include <fmt/format.h>
#include <xxhash.h>

namespace incubate {

std::string result_settings(const RunConfig& config, Phase phase) {
  RunConfig copy = config;
  std::string text;
  for (const Setting& setting : list_settings(copy)) {
    const std::string section = setting.name.substr(0, setting.name.find('.'));
    const bool is_phase =
        std::ranges::any_of(kMethodTable, [&](const MethodRow& row) { return section == row.section; });
    const bool is_depths = setting.name == "model.depths" || setting.name == "model.meta_depths";
    // A training's length is a number of steps, which the training's own identity contains.
    const bool is_epochs = is_phase && setting.name == section + ".epochs";
    const bool is_of_other_phase = is_phase && section != section_of(phase);
    if (setting.kind != Kind::result || setting.is_idle || is_depths || is_epochs || is_of_other_phase) continue;
    // Runs from before these settings had a random order, fp32 and a constant decay.
    if (config.data.shuffle == Shuffle::global && setting.name.starts_with("data.shuffle")) continue;
    if (config.run.precision == Precision::fp32 && setting.name == "run.precision") continue;
    if (setting.name.ends_with(".ema_ramp") && setting.get() == "false") continue;
    text += setting.name + "=" + (setting.name == "run.sums" ? to_string(sums_of(config.run)) : setting.get()) + "\n";
  }
  return text;
}

std::string hash_text(std::string_view text) {
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

}  // namespace incubate
