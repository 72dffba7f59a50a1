#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace incubate {

/// The user's input (configuration, files) is wrong. The program prints the message once and exits with status 2. The
/// message names the problem with its numbers, why it is one, and the remedy.
class InputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Throws InputError (or a kind of it) with the formatted message unless `holds`.
template <typename Error = InputError, typename... Args>
void check_input(bool holds, fmt::format_string<Args...> format, Args&&... args) {
  if (!holds) throw Error(fmt::format(format, std::forward<Args>(args)...));
}

/// Returns the message for a file-system error at a path that the user named.
inline std::string describe(const std::filesystem::filesystem_error& error) {
  return fmt::format("{}: {}. Check the path.", error.path1().string(), error.code().message());
}

/// Throws std::runtime_error with the formatted message unless `holds`: for failures that are not the user's.
template <typename... Args>
void check_running(bool holds, fmt::format_string<Args...> format, Args&&... args) {
  if (!holds) throw std::runtime_error(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace incubate
