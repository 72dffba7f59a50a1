#include "config/parse.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <numeric>
#include <set>
#include <sstream>

#include <boost/program_options.hpp>
#include <fmt/ranges.h>

#include "base/check.h"
#include "base/clean_text.h"
#include "base/input_file.h"
#include "config/ini.h"
#include "config/path_setting.h"

namespace incubate {
namespace {

namespace po = boost::program_options;
using Values = std::map<std::string, std::string>;

[[noreturn]] void reject_unknown_key(const std::string& key, const std::string& origin,
                                     std::span<const Setting> settings) {
  const auto nearest = std::ranges::min_element(
      settings, {}, [&key](const Setting& setting) { return edit_distance(setting.name, key); });
  throw InputError(
      fmt::format("{}: unknown setting '{}'. Did you mean '{}'? --help lists all.", origin, key, nearest->name));
}

po::options_description describe(std::span<const Setting> settings) {
  po::options_description description;
  for (const Setting& setting : settings) {
    if (setting.is_flag) {
      description.add_options()(setting.name.c_str(), "");
    } else {
      description.add_options()(setting.name.c_str(), po::value<std::string>());
    }
  }
  return description;
}

void add(const std::string& key, const std::string& value, const std::string& origin, Values& values) {
  const auto [place, is_new] = values.emplace(key, value);
  check_input(is_new, "{}: '{}' is given twice ('{}' and '{}'). Give it once.", origin, key, place->second, value);
}

std::optional<std::string> find(const Values& values, const std::string& key) {
  const auto found = values.find(key);
  return found == values.end() ? std::nullopt : std::optional(found->second);
}

/// Moves words that are no input file from `parsed` to the list returned.
std::vector<std::string> take_files(po::parsed_options& parsed) {
  std::vector<std::string> files;
  std::erase_if(parsed.options, [&files](const po::option& option) {
    if (option.position_key < 0 || (option.position_key == 0 && option.value.front().ends_with(".ini"))) return false;
    files.push_back(expand_path("", option.value.front()));
    return true;
  });
  return files;
}

Values collect(const po::parsed_options& parsed, const std::string& origin, std::span<const Setting> settings) {
  Values values;
  for (const po::option& option : parsed.options) {
    const std::string value = option.value.empty() ? "" : option.value.front();
    if (option.unregistered) reject_unknown_key(option.string_key, origin, settings);
    std::error_code error;  // of the look-up: not an input file then
    check_input(option.position_key < 0 || (option.position_key == 0 && std::filesystem::exists(value, error)),
                "{}: '{}' is neither an option nor an existing input file. Settings are given as --section.key=value.",
                origin, value);
    check_input(!value.starts_with("--"), "{}: '{}' has no value but is followed by '{}'. Give --{}=value.", origin,
                option.string_key, value, option.string_key);
    add(option.string_key, value, origin, values);
  }
  return values;
}

Values read_ini(const std::string& text, const std::string& origin, std::span<const Setting> settings) {
  Values values;
  for (const auto& [key, value] : split_ini(text, origin)) {
    if (std::ranges::find(settings, key, &Setting::name) == settings.end()) reject_unknown_key(key, origin, settings);
    add(key, value, origin, values);
  }
  return values;
}

std::string section_of(const Setting& setting) {
  const std::size_t dot = setting.name.find('.');
  return dot == std::string::npos ? "" : setting.name.substr(0, dot);
}

/// `place` is the origin of the values.
void set_values(const Values& values, std::span<const Setting> settings, const std::string& place, Origins& origins) {
  for (const Setting& setting : settings) {
    const auto value = values.find(setting.name);
    if (value == values.end()) continue;
    setting.set(setting.is_flag ? "true" : value->second);
    check_range(setting);
    for (const std::string& heir : setting.heirs) {
      origins[heir] = setting.is_preset      ? kDefaultOfPreset + value->second
                      : setting.is_shorthand ? fmt::format("[{}] {}", section_of(setting), place)
                                             : fmt::format("inherited from [{}] {}", section_of(setting), place);
    }
    origins[setting.name] = place;
  }
}

/// Returns a warning for each preset of the command line that has no effect, because the file has all its settings.
std::vector<std::string> find_overruled(const Values& given, const Values& in_file, const std::string& file,
                                        std::span<const Setting> settings) {
  std::vector<std::string> warnings;
  for (const Setting& setting : settings) {
    if (!setting.is_preset || !given.contains(setting.name)) continue;
    std::vector<std::string> kept;
    for (const std::string& part : setting.heirs) {
      const auto own = in_file.find(part);
      if (own == in_file.end() || given.contains(part) || own->second == given.at(setting.name)) continue;
      kept.push_back(part + "=" + own->second);
    }
    if (kept.size() < setting.heirs.size()) continue;
    warnings.push_back(fmt::format(
        "--{}={} has no effect on {}, which {} sets. Give these settings themselves, or remove them from the file.",
        setting.name, given.at(setting.name), fmt::join(kept, ", "), file));
  }
  return warnings;
}

/// Returns `arguments` without invisible characters. "--key=" becomes "--key" and an empty word, because Boost refuses
/// an empty value in the first form.
std::vector<std::string> prepare_arguments(const std::vector<std::string>& arguments) {
  std::vector<std::string> words;
  for (const std::string& given : arguments) {
    const std::string argument = clean_line(given, "command line");
    const bool has_empty_value = argument.starts_with("--") && argument.find('=') + 1 == argument.size();
    words.push_back(has_empty_value ? argument.substr(0, argument.size() - 1) : argument);
    if (has_empty_value) words.emplace_back();
  }
  return words;
}

/// Returns lines of at most 80 columns, indented by 8. A longer word has its own line.
std::string wrap(const std::string& text) {
  constexpr std::size_t kColumns = 80;
  const std::string indent(8, ' ');
  std::istringstream words(text);
  std::string lines;
  std::string line;
  for (std::string word; words >> word;) {
    if (!line.empty() && indent.size() + line.size() + 1 + word.size() > kColumns) {
      lines += indent + line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return lines + indent + line + "\n";
}

/// Returns INI text of the settings for which `comment` returns a text, which follows the value.
template <typename Comment>
std::string print_ini(std::span<const Setting> settings, const Comment& comment) {
  std::string text;
  std::string section;
  for (const Setting& setting : settings) {
    const std::optional<std::string> behind = setting.is_shorthand ? std::nullopt : comment(setting);
    if (!behind) continue;
    if (section_of(setting) != section) {
      section = section_of(setting);
      text += (text.empty() ? "[" : "\n[") + section + "]\n";
    }
    text += setting.name.substr(section.empty() ? 0 : section.size() + 1) + " = " + setting.get();
    text += (behind->empty() ? "" : "  # " + *behind) + "\n";
  }
  return text;
}

std::vector<std::string> list_sections(std::span<const Setting> settings) {
  std::vector<std::string> sections;
  for (const Setting& setting : settings) {
    const std::string section = section_of(setting);
    if (!section.empty() && std::ranges::count(sections, section) == 0) sections.push_back(section);
  }
  return sections;
}

std::vector<Setting> heirs_of(const Setting& setting, std::span<const Setting> settings) {
  std::vector<Setting> heirs;
  std::ranges::copy_if(settings, std::back_inserter(heirs),
                       [&setting](const Setting& other) { return std::ranges::count(setting.heirs, other.name) > 0; });
  return heirs;
}

/// Returns the default, or for a shorthand its heirs' defaults, such as "256 in meta, shallow; 128 in incubation".
std::string describe_default(const Setting& setting, std::span<const Setting> settings) {
  if (!setting.is_shorthand) return setting.get().empty() ? "none" : setting.get();
  std::vector<std::string> values;
  std::map<std::string, std::string> sections;  // sections with this value
  for (const Setting& heir : heirs_of(setting, settings)) {
    const std::string value = describe_default(heir, settings);
    if (!sections.contains(value)) values.push_back(value);
    sections[value] += (sections[value].empty() ? "" : ", ") + section_of(heir);
  }
  if (values.size() == 1) return values.front();
  for (std::string& value : values) value += " in " + sections[value];
  return fmt::format("{}", fmt::join(values, "; "));
}

/// Describes the settings for which `is_shown` is true.
template <typename IsShown>
std::string describe_those(std::span<const Setting> settings, const IsShown& is_shown) {
  std::string text;
  std::string section;
  for (const Setting& setting : settings) {
    if (!is_shown(setting)) continue;
    if (section_of(setting) != section) {
      section = section_of(setting);
      text += "\n[" + section + "]\n";
      if (setting.is_shorthand) {
        text += "  sets all of these at once; each has the same settings (--help SECTION):\n  [" +
                fmt::format("{}", fmt::join(list_sections(heirs_of(setting, settings)), "]\n  [")) + "]\n";
      }
    }
    text += fmt::format("  --{}{}\n", setting.name, setting.unit.empty() ? "" : "  [" + setting.unit + "]");
    const std::string by_default = setting.is_flag ? "" : " (default: " + describe_default(setting, settings) + ")";
    text += wrap(setting.meaning + by_default);
  }
  return text;
}

}  // namespace

CommonOptions parse_arguments(const std::vector<std::string>& arguments, std::span<const Setting> settings,
                              std::span<const Setting> options, Words words) {
  CommonOptions common;
  std::vector<Setting> all(settings.begin(), settings.end());
  all.insert(all.end(), options.begin(), options.end());
  po::options_description description = describe(all);
  const auto optional = [] { return po::value<std::string>()->implicit_value(""); };
  description.add_options()("config", po::value<std::string>())("help", optional())("print-config", optional());
  Values given;
  try {
    const int style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing &
                      ~po::command_line_style::allow_short;
    po::parsed_options parsed = po::command_line_parser(prepare_arguments(arguments))
                                    .options(description)
                                    .positional(po::positional_options_description().add("config", -1))
                                    .style(style)
                                    .allow_unregistered()
                                    .run();
    if (words == Words::files) common.words = take_files(parsed);
    given = collect(parsed, "command line", all);
  } catch (const po::error& error) {
    throw InputError(fmt::format("command line: {}. Settings are given as --section.key=value.", error.what()));
  }
  common.help = find(given, "help");
  if (common.help) return common;
  common.print_config = find(given, "print-config");
  check_input(common.print_config.value_or("").empty() || common.print_config == "changed",
              "--print-config={} is not one of its values. Give --print-config=changed, or --print-config alone.",
              common.print_config.value_or(""));
  if (given.contains("config")) {
    common.config_file = expand_path("--config", given.at("config"));
    Values in_file = read_ini(read_text_file(common.config_file), common.config_file, settings);
    common.warnings = find_overruled(given, in_file, common.config_file, settings);
    // A preset replaces defaults wherever the user gives it. Other settings of the command line override the file.
    for (const Setting& setting : settings) {
      if (!setting.is_preset || !given.contains(setting.name)) continue;
      in_file.erase(setting.name);
      set_values({*given.find(setting.name)}, settings, kOnCommandLine, common.origins);
      given.erase(setting.name);
    }
    set_values(in_file, settings, "in " + common.config_file, common.origins);
  }
  set_values(given, all, kOnCommandLine, common.origins);
  return common;
}

void parse_ini(const std::string& text, const std::string& origin, std::span<const Setting> settings) {
  Origins unused;
  set_values(read_ini(text, origin, settings), settings, origin, unused);
}

std::optional<std::string> find_in_ini(const std::filesystem::path& file, const std::string& name) {
  try {
    for (const auto& [key, value] : split_ini(read_text_file(file), file.string())) {
      if (key == name) return value;
    }
  } catch (const InputError&) {  // readers of the whole file report the error
  }
  return std::nullopt;
}

std::string print_settings(std::span<const Setting> settings) {
  return print_ini(settings, [](const Setting& setting) { return std::optional(setting.unit); });
}

std::string print_config(std::span<const Setting> settings, std::span<const Setting> defaults,
                         const CommonOptions& asked) {
  if (asked.print_config != "changed") return print_settings(settings);
  return print_ini(settings, [&](const Setting& setting) -> std::optional<std::string> {
    if (std::ranges::find(defaults, setting.name, &Setting::name)->get() == setting.get()) return std::nullopt;
    return asked.origins.at(setting.name);
  });
}

std::string describe_settings(std::span<const Setting> settings) {
  std::set<std::string> elsewhere;
  for (const Setting& setting : settings) {
    if (setting.is_shorthand) elsewhere.insert(setting.heirs.begin(), setting.heirs.end());
  }
  return describe_those(settings, [&](const Setting& setting) { return !elsewhere.contains(setting.name); });
}

std::string describe_section(std::span<const Setting> settings, const std::string& section) {
  const std::vector<std::string> sections = list_sections(settings);
  check_input(std::ranges::count(sections, section) > 0, "--help {}: there is no such section. Give one of {}.",
              section, fmt::join(sections, ", "));
  return describe_those(settings, [&](const Setting& setting) { return section_of(setting) == section; });
}

}  // namespace incubate
