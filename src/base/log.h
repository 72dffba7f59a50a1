#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

namespace incubate {

/// Writes messages to the console and, once attached, to `log.txt`, where each line carries time and level. Each rank
/// has one; ranks other than 0 pass on only warnings. For one thread at a time.
class Log {
 public:
  enum class Level { everything, warnings_only };
  /// Shows one line to the person at the terminal.
  using Print = std::function<void(const std::string& line)>;

  Log(Level level, Print print);

  /// Appends to `path` from now on. Throws InputError if the file cannot be opened.
  void attach_file(const std::filesystem::path& path);
  /// Replaces the function that shows lines, for example while a progress display owns the terminal.
  void set_print(Print print);

  void info(const std::string& message);
  void warn(const std::string& message);
  /// Writes to the file only: for messages that are already on the terminal.
  void record(const std::string& message);

 private:
  void write(const char* level, const std::string& message);

  Level level_;
  Print print_;
  std::ofstream file_;
};

}  // namespace incubate
