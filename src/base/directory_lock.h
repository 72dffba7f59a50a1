#pragma once

#include <chrono>
#include <filesystem>
#include <string>

namespace incubate {

/// Keeps other holders, on any host, out of a directory's shared files for the moment in which it lives: it is a file
/// in the directory that only one of them can create. Advisory. Where the file cannot be created there is no lock.
class DirectoryLock {
 public:
  /// Waits for other holders. One whose process has ended, or that keeps the lock for `patience` of this process's
  /// clock, loses it.
  DirectoryLock(const std::filesystem::path& directory, std::chrono::milliseconds patience);
  /// Gives it back.
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

  bool is_held() const { return !text_.empty(); }

 private:
  std::filesystem::path path_;
  std::string text_;  // the file's, unlike that of any other holder
};

}  // namespace incubate
