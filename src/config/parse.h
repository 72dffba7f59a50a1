#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/setting.h"

namespace incubate {

/// Maps a setting's name to the place that set it last.
using Origins = std::map<std::string, std::string>;
inline constexpr const char* kOnCommandLine = "on the command line";

/// Options that every command has beside its settings.
struct CommonOptions {
  std::string config_file;
  std::optional<std::string> help = {};  ///< the section that is asked for, empty: all; nothing else was read then
  std::optional<std::string> print_config = {};  ///< "" or "changed"
  /// One sentence for each option of the command line that has no effect.
  std::vector<std::string> warnings = {};
  Origins origins = {};
};

/// Sets `settings`, in their order, from `arguments` (those after the command) and the file that --config names, or
/// the first word that belongs to no option: the command line beats the file as a whole, the file beats the default.
/// Throws InputError on an unknown key (naming the nearest known one), a value that is not of its type or out of its
/// range, a key given twice, or a file that cannot be read. `options` are those that only the command line has, such as
/// flags.
CommonOptions parse_arguments(const std::vector<std::string>& arguments, std::span<const Setting> settings,
                              std::span<const Setting> options = {});

/// Sets `settings` from INI text, such as print_settings() writes. Throws InputError as above; `origin` names the text.
void parse_ini(const std::string& text, const std::string& origin, std::span<const Setting> settings);

/// The value of the setting `name` in an INI file, whose other names may be anything; none if there is none.
std::optional<std::string> find_in_ini(const std::filesystem::path& file, const std::string& name);

/// INI text of all settings with their units; parse_ini() reads it back to equal values.
std::string print_settings(std::span<const Setting> settings);

/// What --print-config asks for: all settings, or INI text of those alone that differ from `defaults`, each with where
/// its value comes from. `defaults` are the settings of another configuration, which nobody has set.
std::string print_config(std::span<const Setting> settings, std::span<const Setting> defaults,
                         const CommonOptions& asked);

/// The settings with units, meaning and defaults, for --help, in 80 columns where the names allow. What a shorthand
/// stands for is described once, there, with the defaults of all.
std::string describe_settings(std::span<const Setting> settings);
/// The same of one section, with all that it has. Throws InputError, naming all sections, if there is none of this
/// name.
std::string describe_section(std::span<const Setting> settings, const std::string& section);

}  // namespace incubate
