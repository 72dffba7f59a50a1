#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace spdlog {
class logger;
}

namespace incubate {

/// Where the run's messages go: the console, and `log.txt` once it is attached. Each line in the file carries time and
/// level. One a rank; ranks other than 0 pass warnings on only.
class Log {
 public:
  enum class Level { everything, warnings_only };
  /// `print` shows one line to the person at the terminal.
  using Print = std::function<void(const std::string& line)>;

  Log(Level level, Print print);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  /// Appends to `path` from now on. Throws InputError if it cannot be opened.
  void attach_file(const std::filesystem::path& path);
  /// Replaces the way of showing lines, for example while a progress display owns the terminal.
  void set_print(Print print);

  void info(const std::string& message);
  void warn(const std::string& message);
  /// To the file only: for what is already on the terminal.
  void record(const std::string& message);

 private:
  Level level_;
  Print print_;
  std::shared_ptr<spdlog::logger> file_;
};

}  // namespace incubate
