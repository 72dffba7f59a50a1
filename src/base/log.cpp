#include "base/log.h"

#include <utility>

#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>

#include "base/check.h"

namespace incubate {

Log::Log(Level level, Print print) : level_(level), print_(std::move(print)) {}
Log::~Log() = default;

void Log::attach_file(const std::filesystem::path& path) {
  try {
    file_ = std::make_shared<spdlog::logger>("run", std::make_shared<spdlog::sinks::basic_file_sink_mt>(path.string()));
  } catch (const spdlog::spdlog_ex& error) {
    throw InputError(std::string("cannot write the log: ") + error.what());
  }
  file_->set_pattern("%Y-%m-%d %H:%M:%S.%e %l  %v");
  file_->flush_on(spdlog::level::info);
}

void Log::set_print(Print print) { print_ = std::move(print); }

void Log::info(const std::string& message) {
  if (level_ == Level::warnings_only) return;
  print_(message);
  record(message);
}

void Log::warn(const std::string& message) {
  print_("warning: " + message);
  if (file_) file_->warn(message);
}

void Log::record(const std::string& message) {
  if (file_) file_->info(message);
}

}  // namespace incubate
