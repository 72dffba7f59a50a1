#include "base/directory_lock.h"

#include <cerrno>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace incubate {
namespace {

constexpr std::chrono::milliseconds kTryEvery(2);

}  // namespace

DirectoryLock::DirectoryLock(const std::filesystem::path& directory, std::chrono::milliseconds patience)
    : descriptor_(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (descriptor_ >= 0) {
    is_held_ = ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0;
    const bool may_come = errno == EWOULDBLOCK || errno == EINTR;
    if (is_held_ || !may_come || std::chrono::steady_clock::now() >= deadline) break;
    std::this_thread::sleep_for(kTryEvery);
  }
}

DirectoryLock::~DirectoryLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace incubate
