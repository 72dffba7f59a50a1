#include "config/identity.h"

#include <algorithm>
#include <optional>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <xxhash.h>

#include "base/check.h"
#include "config/ini.h"

namespace incubate {
namespace {

using Lines = std::vector<std::pair<std::string, std::string>>;

bool is_setting(const std::string& name) { return name.find('.') != std::string::npos; }
bool is_parent_line(const std::string& name) { return !is_setting(name) && find_row(name) != nullptr; }

/// The names and values that a training was, or is to be, made with.
class Origin {
 public:
  explicit Origin(const IdentityTexts& texts) {
    std::istringstream stream(texts.identity);
    for (std::string line; std::getline(stream, line);) {
      const std::size_t equals = std::min(line.find('='), line.size());
      identity_.emplace_back(line.substr(0, equals), line.substr(std::min(equals + 1, line.size())));
    }
    try {
      config_ = split_ini(texts.config, "the configuration");
    } catch (const InputError&) {
      config_.clear();  // of another program; only fills in what is said
    }
  }

  const Lines& identity() const { return identity_; }
  const Lines& config() const { return config_; }
  /// Returns the value; of a setting that the identity leaves out, as configured.
  std::optional<std::string> find(const std::string& name) const {
    for (const Lines* lines : {&identity_, &config_}) {
      const auto line = std::ranges::find(*lines, name, [](const auto& item) { return item.first; });
      if (line != lines->end()) return line->second;
    }
    return std::nullopt;
  }
  std::string quote(const std::string& name) const {
    const std::optional<std::string> value = find(name);
    return value ? fmt::format("'{}{}{}'", name, is_setting(name) ? "=" : " ", *value) : "'nothing'";
  }
  /// Returns the section of the training's own phase; empty if the identity does not tell.
  std::string section() const {
    const auto micro = std::ranges::find_if(identity_, [](const auto& line) { return line.first.ends_with(".micro"); });
    return micro == identity_.end() ? "" : micro->first.substr(0, micro->first.find('.'));
  }

 private:
  Lines identity_, config_;
};

/// Lists the names that differ. Where a value was made of settings, lists those of them that differ instead of it.
class Differences {
 public:
  Differences(const Origin& there, const Origin& here) : there_(there), here_(here) {
    for (const Origin* origin : {&there, &here}) {
      for (const auto& [name, value] : origin->identity()) add(name);
    }
    replace("depths", [](const std::string& name) { return name == "model.depths" || name == "model.meta_depths"; });
    const std::string epochs = here.section() + ".epochs", steps = here.section() + ".steps";
    replace("steps", [&](const std::string& name) { return name == epochs || name == steps; });
    if (here.find(epochs) == "matched") replace("steps", [](const auto& name) { return name.ends_with(".epochs"); });
    for (const auto& [parent, identity] : here.identity()) {
      const MethodRow* row = find_row(parent);
      if (row == nullptr) continue;
      replace(parent, [&](const std::string& name) {
        return std::ranges::any_of(lineage_of(row->phase),
                                   [&](Phase phase) { return name.starts_with(section_of(phase) + std::string(".")); });
      });
    }
    // An epoch has as many steps as the data and the batch make.
    if (has("data") || has("batch.global") || has("model.depths")) std::erase(names_, "steps");
    // Another training differs in much; a setting that parents have too makes them others.
    if (has("training")) names_ = {"training"};
    if (std::ranges::any_of(names_, is_setting)) std::erase_if(names_, is_parent_line);
    if (names_.size() > 1) std::erase(names_, "learning");
  }

  std::vector<std::string> list() const {
    std::vector<std::string> texts;
    for (const std::string& name : names_) {
      texts.push_back(fmt::format("{} there, {} here{}", there_.quote(name), here_.quote(name), explain(name)));
    }
    return texts;
  }

 private:
  bool has(const std::string& name) const { return std::ranges::count(names_, name) > 0; }
  bool add(const std::string& name) {
    if (there_.find(name) == here_.find(name)) return false;
    if (!has(name)) names_.push_back(name);
    return true;
  }
  template <typename IsPart>
  void replace(const std::string& whole, const IsPart& is_part) {
    if (!has(whole)) return;
    bool is_replaced = false;
    for (const auto& [name, value] : here_.config()) is_replaced |= is_part(name) && add(name);
    if (is_replaced) std::erase(names_, whole);
  }
  /// Returns where the user sets a value that is no setting itself.
  std::string explain(const std::string& name) const {
    if (name == "transfer.source") return " (the weights in transfer.from)";
    if (is_setting(name) || name == "training" || name == "learning") return "";
    if (name == "depths") return " (from model.depths and model.meta_depths)";
    if (name == "data") return " (the content of data.file)";
    if (name != "steps") return fmt::format(" ({} is what it starts from)", name);
    return here_.section().empty() ? "" : fmt::format(" (from {}.epochs)", here_.section());
  }

  const Origin& there_;
  const Origin& here_;
  std::vector<std::string> names_;
};

/// Returns whether `setting` is younger than some runs, and has the value that they were made with.
bool is_as_before(const Setting& setting) {
  constexpr std::pair<const char*, const char*> kValues[] = {
      {".ema_ramp", "false"}, {".schedule", "cosine"}, {"run.precision", "fp32"}};
  return std::ranges::any_of(
      kValues, [&](const auto& old) { return setting.name.ends_with(old.first) && setting.get() == old.second; });
}

}  // namespace

std::string result_settings(const RunConfig& config, Phase phase) {
  RunConfig copy = config;
  std::string text;
  for (const Setting& setting : list_settings(copy)) {
    const std::string section = setting.name.substr(0, setting.name.find('.'));
    const bool is_phase =
        std::ranges::any_of(kMethodTable, [&](const MethodRow& row) { return section == row.section; });
    const bool is_depths = setting.name == "model.depths" || setting.name == "model.meta_depths";
    // A training's length is a number of steps, which the training's own identity contains.
    const bool is_length = is_phase && (setting.name == section + ".epochs" || setting.name == section + ".steps");
    const bool is_of_other_phase = is_phase && section != section_of(phase);
    if (setting.kind != Kind::result || setting.is_idle || is_depths || is_length || is_of_other_phase) continue;
    if (is_as_before(setting)) continue;
    // Of a random order, as before, the size of blocks is left out, too.
    if (config.data.shuffle == Shuffle::global && setting.name.starts_with("data.shuffle")) continue;
    text += setting.name + "=" + (setting.name == "run.sums" ? to_string(sums_of(config.run)) : setting.get()) + "\n";
  }
  return text;
}

std::vector<std::string> list_differences(const IdentityTexts& there, const IdentityTexts& here) {
  const Origin one(there), other(here);
  return Differences(one, other).list();
}

std::string hash_text(std::string_view text) {
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

}  // namespace incubate
