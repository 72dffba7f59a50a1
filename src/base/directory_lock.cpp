#include "base/directory_lock.h"

#include <cerrno>
#include <fstream>
#include <random>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/process.h"

namespace incubate {
namespace {

constexpr std::chrono::milliseconds kTryEvery(2);

std::string read_holder(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string text;
  std::getline(file, text);
  return text;
}

/// Returns 0 if this call created the file with that text, else the errno.
int create_file(const std::filesystem::path& path, const std::string& text) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0) return errno;
  const bool is_written = ::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(descriptor);
  if (!is_written) ::unlink(path.c_str());
  return is_written ? 0 : ENOSPC;
}

}  // namespace

DirectoryLock::DirectoryLock(const std::filesystem::path& directory, std::chrono::milliseconds patience)
    : path_(directory / ".busy") {
  using Clock = std::chrono::steady_clock;
  const std::string text = fmt::format("{} {:08x}", process_name(), std::random_device()());
  std::error_code error;
  std::string holder;
  Clock::time_point held_since = Clock::now();
  while (true) {
    const int reason = create_file(path_, text);
    if (reason == 0) text_ = text;
    if (reason != EEXIST) return;
    std::this_thread::sleep_for(kTryEvery);
    const std::string seen = read_holder(path_);
    if (seen != holder) {
      holder = seen;
      held_since = Clock::now();
    } else if (Clock::now() - held_since >= patience ||
               find_process(seen.substr(0, seen.find(' '))) == ProcessState::ended) {
      std::filesystem::remove(path_, error);
      if (error) return;
    }
  }
}

DirectoryLock::~DirectoryLock() {
  if (!is_held()) return;
  std::error_code ignored;
  const std::string seen = read_holder(path_);  // empty if the file cannot be read now
  if (seen.empty() || seen == text_) std::filesystem::remove(path_, ignored);
}

}  // namespace incubate
