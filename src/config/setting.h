#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace incubate {

/// Whether a setting changes what is computed (it enters the identity of results) or only how the work is carried out.
enum class Kind { result, operation };

/// One configuration value, tied to the variable that holds it. A list of these is all that parsing, printing, help and
/// identity need to know of a configuration.
struct Setting {
  std::string name;  ///< "section.key"
  Kind kind;
  std::string unit;     ///< "" for plain counts
  std::string meaning;  ///< one line
  std::function<std::string()> get;
  std::function<void(const std::string& text)> set;  ///< throws InputError on text that is not a value of the type
  bool is_flag = false;                              ///< given by its name alone
  bool is_shorthand = false;                         ///< sets several others, which are printed instead of it
  std::vector<std::string> stands_for = {};          ///< of a preset: the settings whose defaults it replaces
};

/// Names of an enumeration's values, in order of definition.
template <typename Enum>
using EnumNames = std::vector<std::pair<Enum, std::string_view>>;

/// Conversions used by settings. The text of a value reads back as exactly the same value.
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

/// Of a value that may be absent, which is the empty text.
template <typename T>
std::string to_text(const std::optional<T>& value) {
  return value ? to_text(*value) : std::string();
}
template <typename T>
void from_text(const std::string& name, const std::string& text, std::optional<T>& value) {
  from_text(name, text, value.emplace());
}

[[noreturn]] void reject_enum_text(const std::string& name, const std::string& text,
                                   const std::vector<std::string_view>& allowed);

/// The setting `name` for `variable`, which must outlive it.
template <typename T>
Setting make_setting(std::string name, T& variable, Kind kind, std::string unit, std::string meaning) {
  auto set = [name, &variable](const std::string& text) { from_text(name, text, variable); };
  auto get = [&variable] { return to_text(variable); };
  return {std::move(name), kind, std::move(unit), std::move(meaning), std::move(get), std::move(set)};
}

/// The flag `name`, which makes `variable` true.
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
  auto set = [name, &variable, names](const std::string& given) {
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

}  // namespace incubate
