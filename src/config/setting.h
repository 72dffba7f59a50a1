#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace incubate {

/// Whether a setting changes results (it is part of their identity) or only how the work is done.
enum class Kind { result, operation };

/// The valid values of a setting, or of each item of a list.
struct Range {
  double least = -std::numeric_limits<double>::infinity();
  bool is_open = false;  ///< excludes `least`
  double most = std::numeric_limits<double>::infinity();
  std::string reason = {};   ///< the reason for the range, for messages
  std::string example = {};  ///< for messages
  std::string word = {};     ///< a word that is valid instead of a number
};

/// Range of counts. Sums of counts and products of two counts never overflow.
inline const Range kCount{.least = 1, .most = 1e9};
inline const Range kNotNegative{.least = 0};

/// One configuration value and the variable that holds it. Parsing, printing, help and identity use only lists of
/// these.
struct Setting {
  std::string name;  ///< "section.key"
  Kind kind;
  std::string unit;     ///< "" for plain counts
  std::string meaning;  ///< one line
  std::function<std::string()> get;
  std::function<void(const std::string& text)> set;  ///< throws InputError on text of the wrong type
  Range range = {};
  bool is_flag = false;                 ///< given without a value
  bool is_shorthand = false;            ///< stands for its heirs, which are printed instead
  bool is_preset = false;               ///< provides the defaults of its heirs
  bool is_idle = false;                 ///< had no effect when the list was made
  std::vector<std::string> heirs = {};  ///< settings that it also sets, until they are set themselves
};

/// Throws InputError if the value of `setting` is out of range.
void check_range(const Setting& setting);

/// The names of an enumeration's values, in order of definition.
template <typename Enum>
using EnumNames = std::vector<std::pair<Enum, std::string_view>>;

/// Conversions for settings. Every text reads back as exactly the same value. An item of a list that has a comma stands
/// in double quotes.
std::string to_text(const std::string& value);
std::string to_text(std::int64_t value);
std::string to_text(double value);
std::string to_text(bool value);
std::string to_text(const std::vector<std::int64_t>& value);
std::string to_text(const std::vector<double>& value);
std::string to_text(const std::vector<std::string>& value);
void from_text(const std::string& name, const std::string& text, std::string& value);
void from_text(const std::string& name, const std::string& text, std::int64_t& value);
void from_text(const std::string& name, const std::string& text, double& value);
void from_text(const std::string& name, const std::string& text, bool& value);
void from_text(const std::string& name, const std::string& text, std::vector<std::int64_t>& value);
void from_text(const std::string& name, const std::string& text, std::vector<double>& value);
void from_text(const std::string& name, const std::string& text, std::vector<std::string>& value);

/// Returns the text of an optional value; the empty text stands for no value.
template <typename T>
std::string to_text(const std::optional<T>& value) {
  return value ? to_text(*value) : std::string();
}
template <typename T>
void from_text(const std::string& name, const std::string& text, std::optional<T>& value) {
  from_text(name, text, value.emplace());
}

/// Returns a setting as the user types it: "--output" for "output" (a command's own option), else unchanged.
std::string as_typed(const std::string& name);

/// Returns the number of single-character insertions, deletions and replacements between two words (Levenshtein).
std::size_t edit_distance(std::string_view a, std::string_view b);

/// Throws InputError with the values that are allowed, and of many with the nearest one if it is near.
[[noreturn]] void reject_enum_text(const std::string& name, const std::string& text,
                                   const std::vector<std::string_view>& allowed);

/// Returns the setting `name` for `variable`, which must outlive it.
template <typename T>
Setting make_setting(std::string name, T& variable, Kind kind, std::string unit, std::string meaning,
                     Range range = {}) {
  auto set = [name = as_typed(name), &variable](const std::string& text) { from_text(name, text, variable); };
  auto get = [&variable] { return to_text(variable); };
  return {std::move(name), kind, std::move(unit), std::move(meaning), std::move(get), std::move(set), std::move(range)};
}

/// Returns the flag `name`, which sets `variable` to true.
inline Setting make_flag(std::string name, bool& variable, std::string meaning) {
  Setting flag = make_setting(std::move(name), variable, Kind::operation, "", std::move(meaning));
  flag.is_flag = true;
  return flag;
}

template <typename Enum>
Setting make_enum_setting(std::string name, Enum& variable, const EnumNames<Enum>& names, Kind kind,
                          std::string meaning) {
  std::string choices;
  for (const auto& [value, text] : names) choices += (choices.empty() ? "" : "|") + std::string(text);
  auto get = [&variable, names] {
    for (const auto& [value, text] : names) {
      if (value == variable) return std::string(text);
    }
    return std::string();
  };
  auto set = [name = as_typed(name), &variable, names](const std::string& given) {
    std::vector<std::string_view> allowed;
    for (const auto& [value, text] : names) {
      if (text == given) {
        variable = value;
        return;
      }
      allowed.push_back(text);
    }
    reject_enum_text(name, given, allowed);
  };
  return {std::move(name), kind, std::move(choices), std::move(meaning), std::move(get), std::move(set)};
}

/// Creates the settings of one section, in the order of the calls.
class SectionSettings {
 public:
  explicit SectionSettings(std::string section) : prefix_(std::move(section) + ".") {}

  Setting& add(Setting setting) { return settings_.emplace_back(std::move(setting)); }
  template <typename T>
  requires(!std::is_enum_v<T>) Setting& result(const char* key, T& variable, std::string unit, std::string meaning,
                                               Range range = {}) {
    return add(
        make_setting(prefix_ + key, variable, Kind::result, std::move(unit), std::move(meaning), std::move(range)));
  }
  template <typename T>
  requires(!std::is_enum_v<T>) Setting& operation(const char* key, T& variable, std::string unit, std::string meaning,
                                                  Range range = {}) {
    Setting& setting = result(key, variable, std::move(unit), std::move(meaning), std::move(range));
    setting.kind = Kind::operation;
    return setting;
  }
  /// `words` name all values of the enumeration, in order of definition.
  template <typename Enum>
  Setting& result(const char* key, Enum& variable, std::initializer_list<std::string_view> words, std::string meaning) {
    EnumNames<Enum> names;
    for (const std::string_view word : words) names.emplace_back(static_cast<Enum>(names.size()), word);
    return add(make_enum_setting(prefix_ + key, variable, names, Kind::result, std::move(meaning)));
  }
  template <typename Enum>
  Setting& operation(const char* key, Enum& variable, std::initializer_list<std::string_view> words,
                     std::string meaning) {
    Setting& setting = result(key, variable, words, std::move(meaning));
    setting.kind = Kind::operation;
    return setting;
  }
  std::vector<Setting> take() { return std::move(settings_); }

 private:
  std::string prefix_;
  std::vector<Setting> settings_;
};

}  // namespace incubate
