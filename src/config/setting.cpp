#include "config/setting.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <sstream>

#include "base/check.h"

namespace incubate {
namespace {

/// Returns an item of a list, in quotes if it would not read back as it is without them.
std::string as_item(const std::string& text) {
  const bool needs_quotes = text.empty() || text.find(',') != std::string::npos || text.starts_with('"') ||
                            text.starts_with(' ') || text.ends_with(' ');
  if (!needs_quotes) return text;
  std::string item = "\"";
  for (const char c : text) item += c == '"' ? "\"\"" : std::string(1, c);
  return item + "\"";
}

template <typename T>
std::string join(const std::vector<T>& values) {
  std::string text;
  for (std::size_t i = 0; i < values.size(); ++i) text += (i == 0 ? "" : ",") + as_item(to_text(values[i]));
  return text;
}

/// Takes the quoted item at the beginning of `rest` away, up to the comma behind it, and returns its content.
std::string take_quoted(const std::string& name, const std::string& text, std::string_view& rest) {
  std::string item;
  std::size_t i = 1;
  for (; i < rest.size() && (rest[i] != '"' || rest.substr(i + 1, 1) == "\""); ++i) {
    if (rest[i] == '"') ++i;  // two of them stand for one
    item += rest[i];
  }
  const std::size_t next = rest.find_first_not_of(' ', std::min(i + 1, rest.size()));
  check_input(i < rest.size() && (next == std::string_view::npos || rest[next] == ','),
              "{}={} has a quote that does not end before a comma. Write a quote within quotes twice.", name, text);
  rest.remove_prefix(std::min(next, rest.size()));
  return item;
}

template <typename T>
void split(const std::string& name, const std::string& text, std::vector<T>& values) {
  values.clear();
  std::string_view rest = text;
  if (rest.find_first_not_of(' ') == std::string_view::npos) return;
  while (true) {
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    std::string item;
    if (rest.starts_with('"')) {
      item = take_quoted(name, text, rest);
    } else {
      item = rest.substr(0, rest.find(','));
      item.erase(item.find_last_not_of(' ') + 1);
      rest.remove_prefix(std::min(rest.find(','), rest.size()));
    }
    from_text(name, item, values.emplace_back());
    if (rest.empty()) return;
    rest.remove_prefix(1);
  }
}

template <typename T>
void parse_number(const std::string& name, const std::string& text, const char* expected, T& value) {
  const char* end = text.data() + text.size();
  const auto [stopped_at, error] = std::from_chars(text.data(), end, value);
  check_input(error == std::errc{} && stopped_at == end, "{}={} is not {}. Give {}.", name, text, expected, expected);
}

/// Returns a text for a range, such as "more than 0 and at most 1, such as 0.75".
std::string describe(const Range& range) {
  const bool has_most = std::isfinite(range.most);
  std::string text = range.is_open ? "more than " + to_text(range.least) : to_text(range.least);
  if (has_most) text += (range.is_open ? " and at most " : " to ") + to_text(range.most);
  if (!has_most && !range.is_open) text += " or more";
  if (!range.word.empty()) text += ", or " + range.word;
  return text + (range.example.empty() ? "" : ", such as " + range.example);
}

bool contains(const Range& range, double value) {
  return (range.is_open ? value > range.least : value >= range.least) && value <= range.most;
}

}  // namespace

void check_range(const Setting& setting) {
  const Range& range = setting.range;
  if (contains(range, -std::numeric_limits<double>::infinity())) return;
  const std::string text = setting.get();
  std::vector<std::string> items;
  from_text(setting.name, text, items);
  for (const std::string& item : items) {
    double value = 0;
    const bool is_number = std::from_chars(item.data(), item.data() + item.size(), value).ec == std::errc{};
    check_input(is_number ? contains(range, value) : item == range.word, "{}={} {} out of range{}. Give {}.",
                as_typed(setting.name), text, items.size() == 1 ? "is" : "has " + item + ", which is",
                range.reason.empty() ? "" : " (" + range.reason + ")", describe(range));
  }
}

std::string to_text(const std::string& value) { return value; }
std::string to_text(std::int64_t value) { return std::to_string(value); }
std::string to_text(double value) { return fmt::format("{}", value); }  // shortest text that reads back the same
std::string to_text(bool value) { return value ? "true" : "false"; }
std::string to_text(const std::vector<std::int64_t>& value) { return join(value); }
std::string to_text(const std::vector<double>& value) { return join(value); }
std::string to_text(const std::vector<std::string>& value) { return join(value); }

void from_text(const std::string& /*name*/, const std::string& text, std::string& value) { value = text; }

void from_text(const std::string& name, const std::string& text, std::int64_t& value) {
  parse_number(name, text, "a whole number", value);
}

void from_text(const std::string& name, const std::string& text, double& value) {
  parse_number(name, text, "a number", value);
  check_input(std::isfinite(value), "{}={} is not finite. Give a finite number.", name, text);
}

void from_text(const std::string& name, const std::string& text, bool& value) {
  check_input(text == "true" || text == "false", "{}={} is neither true nor false. Give true or false.", name, text);
  value = text == "true";
}

void from_text(const std::string& name, const std::string& text, std::vector<std::int64_t>& value) {
  split(name, text, value);
}
void from_text(const std::string& name, const std::string& text, std::vector<double>& value) {
  split(name, text, value);
}
void from_text(const std::string& name, const std::string& text, std::vector<std::string>& value) {
  split(name, text, value);
}

std::string as_typed(const std::string& name) { return name.find('.') == std::string::npos ? "--" + name : name; }

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

void reject_enum_text(const std::string& name, const std::string& text, const std::vector<std::string_view>& allowed) {
  std::ostringstream choices;
  for (std::size_t i = 0; i < allowed.size(); ++i) {
    choices << (i == 0 ? "" : i + 1 == allowed.size() ? " or " : ", ") << allowed[i];
  }
  const std::string_view nearest =
      *std::ranges::min_element(allowed, {}, [&text](std::string_view value) { return edit_distance(value, text); });
  const bool is_near = allowed.size() > 5 && 2 * edit_distance(nearest, text) <= text.size();
  throw InputError(fmt::format("{}={} is not one of its values. Give {}.{}", name, text, choices.str(),
                               is_near ? fmt::format(" Did you mean {}?", nearest) : ""));
}

}  // namespace incubate
