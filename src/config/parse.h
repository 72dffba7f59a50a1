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
inline constexpr const char* kDefaultOfPreset = "default of the preset ";  ///< before the preset's name

/// Options that every command has besides its settings.
struct CommonOptions {
  std::string config_file;
  std::optional<std::string> help = {};          ///< the requested section, "" for all; if set, nothing else was read
  std::optional<std::string> print_config = {};  ///< "" or "changed"
  /// One sentence for each option of the command line that has no effect.
  std::vector<std::string> warnings = {};
  Origins origins = {};
  std::vector<std::string> words = {};  ///< that belong to no option, besides the input file
};

/// Says what words of the command line may be besides the input file.
enum class Words { nothing, files };

/// Sets `settings`, in their order, from `arguments` (those after the command's name) and an input file. The file is
/// the value of --config, or the first word that belongs to no option (with Words::files, if its name ends in .ini).
/// The command line overrides the file, the file overrides the defaults. `options` are accepted only on the command
/// line, such as flags. Throws InputError on an unknown key (naming the nearest known one), a value of the wrong type
/// or out of range, a key given twice, or an unreadable file.
CommonOptions parse_arguments(const std::vector<std::string>& arguments, std::span<const Setting> settings,
                              std::span<const Setting> options = {}, Words words = Words::nothing);

/// Sets `settings` from INI text, such as that of print_settings(). `origin` names the text. Throws InputError as
/// parse_arguments() does.
void parse_ini(const std::string& text, const std::string& origin, std::span<const Setting> settings);

/// Returns the value of setting `name` in an INI file, or nullopt. Ignores all other names.
std::optional<std::string> find_in_ini(const std::filesystem::path& file, const std::string& name);

/// Returns INI text of all settings with their units. parse_ini() reads back equal values.
std::string print_settings(std::span<const Setting> settings);

/// Returns the text for --print-config: all settings, or INI text of those that differ from `defaults`, each with the
/// origin of its value. `defaults` are the settings of an unchanged configuration.
std::string print_config(std::span<const Setting> settings, std::span<const Setting> defaults,
                         const CommonOptions& asked);

/// Returns the settings with units, meaning and defaults for --help, in 80 columns where names allow. Heirs of a
/// shorthand are described once, at the shorthand, with all their defaults.
std::string describe_settings(std::span<const Setting> settings);
/// Returns the same for all settings of one section. Throws InputError that lists the sections if the name is unknown.
std::string describe_section(std::span<const Setting> settings, const std::string& section);

}  // namespace incubate
