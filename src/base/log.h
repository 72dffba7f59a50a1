#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace spdlog {
class logger;
}

namespace incubate {

/// Writes messages to the console and, once attached, to `log.txt`, where each line carries time and level. Each rank
/// has one; ranks other than 0 pass on only warnings.
class Log {
 public:
  enum class Level { everything, warnings_only };
  /// Shows one line to the person at the terminal.
  using Print = std::function<void(const std::string& line)>;

  Log(Level level, Print print);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  /// Appends to `path` from now on. Throws InputError if the file cannot be opened.
  void attach_file(const std::filesystem::path& path);
  /// Replaces the function that shows lines, for example while a progress display owns the terminal.
  void set_print(Print print);

  void info(const std::string& message);
  void warn(const std::string& message);
  /// Writes to the file only: for messages that are already on the terminal.
  void record(const std::string& message);

 private:
  Level level_;
  Print print_;
  std::shared_ptr<spdlog::logger> file_;
};

}  // namespace incubate
