#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace incubate {

/// How long failed readings of a lock are repeated: on NFS a reading may fail (ESTALE) and the next one succeed.
inline constexpr std::chrono::seconds kLockPatience(10);

struct LockOptions {
  std::string work = "this training";                    ///< work of the lock's holder, for messages
  std::string remedy = "Choose another run.directory.";  ///< for the message if the lock file cannot be created
  std::function<void(const std::string&)> tell = [](const std::string&) {};  ///< shows a message while the job waits
  std::chrono::milliseconds stale_after = std::chrono::seconds(60);
  std::chrono::milliseconds beat_every = std::chrono::seconds(10);
  std::chrono::milliseconds look_every = std::chrono::seconds(1);
  std::chrono::milliseconds patience = kLockPatience;  ///< how long failed readings are repeated
};

/// Marks a training as this job's, by a file with host, process, Slurm job and heartbeat. A thread of its own refreshes
/// the heartbeat every ten seconds. Takes over a stale lock at once if an earlier start of the same Slurm job held it,
/// or if find_process() says that its process has ended. Takes over any other lock that does not change for a minute of
/// this process's clock.
class Lock {
 public:
  /// A lock's text and the time of reading it. No text: there was no lock.
  struct Sighting {
    std::optional<std::string> text;
    std::chrono::steady_clock::time_point at;
  };

  /// Takes the lock. Waits until a lock whose process is unknown here has proved stale or alive. Throws InputError,
  /// naming the holder, if another job has the lock.
  explicit Lock(const std::filesystem::path& path, const LockOptions& options = {});
  /// Releases the lock.
  ~Lock();
  Lock(Lock&& other) noexcept;
  Lock& operator=(Lock&&) = delete;
  Lock(const Lock&) = delete;

  /// Names this holder, for check_held() on another rank of the job.
  const std::string& token() const { return token_; }

 private:
  friend std::vector<Lock> take_locks(const std::vector<std::filesystem::path>& paths, const LockOptions& options);
  Lock(std::filesystem::path path, const LockOptions& options, const Sighting& first);
  bool try_to_take(const LockOptions& options, const Sighting& first) const;

  std::filesystem::path path_;
  std::string token_;
  std::jthread heart_;
};

/// Takes all locks, in this order, or none. Waits a minute in total for stale ones, however many.
std::vector<Lock> take_locks(const std::vector<std::filesystem::path>& paths, const LockOptions& options);

/// Throws std::runtime_error if another holder has the lock, or if the token cannot be read for `patience`.
void check_held(const std::filesystem::path& path, const std::string& token,
                std::chrono::milliseconds patience = kLockPatience);

/// Returns whether this host sees the lock with that token, for which it looks for `patience`: a client of NFS may know
/// older files for seconds.
bool sees_lock(const std::filesystem::path& path, const std::string& token, std::chrono::milliseconds patience);

}  // namespace incubate
