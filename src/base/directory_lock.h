#pragma once

#include <chrono>
#include <filesystem>

namespace incubate {

/// Keeps other processes (and other objects of this one) that also take it out of a directory's shared files, while it
/// lives; it goes with the process. Advisory: some file systems have no such lock, so it may come back without one.
class DirectoryLock {
 public:
  /// Waits at most `patience` for other holders; does not wait where there are no locks.
  DirectoryLock(const std::filesystem::path& directory, std::chrono::milliseconds patience);
  /// Gives it back.
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

  bool is_held() const { return is_held_; }

 private:
  int descriptor_;
  bool is_held_ = false;
};

}  // namespace incubate
