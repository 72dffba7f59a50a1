#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/setting.h"

namespace incubate {

/// Options that every command has beside its settings.
struct CommonOptions {
  std::string config_file;
  bool help = false;
  bool print_config = false;
  /// One sentence for each option of the command line that has no effect.
  std::vector<std::string> warnings = {};
};

/// Sets `settings`, in their order, from `arguments` (those after the command) and the file that --config names, or
/// the first word that belongs to no option: the command line beats the file as a whole, the file beats the default.
/// Throws InputError on an unknown key (naming the nearest known one), a value that is not of its type, a key given
/// twice, or a file that cannot be read. `options` are those that only the command line has, such as flags.
CommonOptions parse_arguments(const std::vector<std::string>& arguments, std::span<const Setting> settings,
                              std::span<const Setting> options = {});

/// Sets `settings` from INI text, such as print_settings() writes. Throws InputError as above; `origin` names the text.
void parse_ini(const std::string& text, const std::string& origin, std::span<const Setting> settings);

/// The value of the setting `name` in an INI file, whose other names may be anything; none if there is none.
std::optional<std::string> find_in_ini(const std::filesystem::path& file, const std::string& name);

/// INI text of all settings with their units; parse_ini() reads it back to equal values.
std::string print_settings(std::span<const Setting> settings);

/// The settings with units, meaning and defaults, for --help, in 80 columns where the names allow.
std::string describe_settings(std::span<const Setting> settings);

}  // namespace incubate
