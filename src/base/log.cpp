#include "base/log.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include <fmt/chrono.h>

#include "base/check.h"

namespace incubate {

Log::Log(Level level, Print print) : level_(level), print_(std::move(print)) {}

void Log::attach_file(const std::filesystem::path& path) {
  file_.open(path, std::ios::app);
  check_input(!file_.fail(), "cannot write the log: {}: {}", path.string(), std::strerror(errno));
}

void Log::set_print(Print print) { print_ = std::move(print); }

void Log::info(const std::string& message) {
  if (level_ == Level::warnings_only) return;
  print_(message);
  record(message);
}

void Log::warn(const std::string& message) {
  print_("warning: " + message);
  write("warning", message);
}

void Log::record(const std::string& message) { write("info", message); }

void Log::write(const char* level, const std::string& message) {
  if (!file_.is_open()) return;
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm local{};
  localtime_r(&seconds, &local);
  file_.clear();  // a full disk may have room again
  file_ << fmt::format("{:%F %T}.{:03} {}  {}\n", local, now.time_since_epoch().count() % 1000, level, message)
        << std::flush;
}

}  // namespace incubate
