#pragma once

#include <chrono>
#include <filesystem>
#include <string>

namespace incubate {

/// Advisory lock on a directory's shared files, across hosts, for as long as the object lives. The lock is a file that
/// only one process can create. If the file cannot be created, nothing is locked and is_held() is false.
class DirectoryLock {
 public:
  /// Waits for other holders. A holder loses the lock if its process has ended or if it keeps the lock for `patience`,
  /// measured by this process's clock.
  DirectoryLock(const std::filesystem::path& directory, std::chrono::milliseconds patience);
  /// Releases the lock.
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

  bool is_held() const { return !text_.empty(); }

 private:
  std::filesystem::path path_;
  std::string text_;  // text of the lock file, unique to this holder
};

}  // namespace incubate
