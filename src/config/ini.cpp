#include "config/ini.h"

#include <sstream>
#include <string_view>

#include "base/check.h"

namespace incubate {
namespace {

constexpr std::string_view kBlanks = " \t";

std::string_view trim(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(kBlanks), text.size());
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

bool is_space(std::string_view text) { return text.starts_with(' ') || text.starts_with('\t'); }

bool is_nothing(std::string_view text) { return text.empty() || text.starts_with('#'); }

/// Returns the value in `text`, the part of `line` after the '='.
std::string_view read_value(std::string_view text, std::string_view line, const std::string& origin) {
  text = trim(text);
  const auto third = static_cast<unsigned char>(text.size() > 2 ? text[2] : 0);
  const bool is_typographic = text.starts_with("\xE2\x80") && third >= 0x98 && third <= 0x9F;
  check_input(!is_typographic, "{}: '{}' has quotes that are not plain ones. Type \" or ', or none.", origin, line);
  if (text.starts_with('"') || text.starts_with('\'')) {
    const std::size_t end = text.find(text.front(), 1);
    check_input(end != std::string_view::npos && is_nothing(trim(text.substr(end + 1))),
                "{}: '{}' begins with a quote that does not end with the value (quotes stand around all of a value). "
                "Take it away, or put the value in quotes of the other kind.",
                origin, line);
    return text.substr(1, end - 1);
  }
  for (std::size_t i = text.find('#'); i != std::string_view::npos; i = text.find('#', i + 1)) {
    if (i == 0 || is_space(text.substr(i - 1))) return trim(text.substr(0, i));
    check_input(!is_space(text.substr(i + 1)),
                "{}: '{}' has a # that is part of the value or begins a comment. Put the value in quotes, or a space "
                "before the #.",
                origin, line);
  }
  return text;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> split_ini(const std::string& text, const std::string& origin) {
  std::vector<std::pair<std::string, std::string>> settings;
  std::string section;
  std::istringstream lines(text);
  for (std::string whole; std::getline(lines, whole);) {
    const std::string_view line = trim(whole);
    if (is_nothing(line)) continue;
    const std::size_t end = line.find(line.front() == '[' ? ']' : '=');
    const bool is_section = line.front() == '[';
    check_input(end != std::string_view::npos && (!is_section || is_nothing(trim(line.substr(end + 1)))),
                "{}: '{}' is no line of a configuration. Lines are [section], key = value or # comment.", origin, line);
    if (is_section) {
      section = std::string(trim(line.substr(1, end - 1))) + ".";
    } else {
      settings.emplace_back(section + std::string(trim(line.substr(0, end))),
                            read_value(line.substr(end + 1), line, origin));
    }
  }
  return settings;
}

}  // namespace incubate
