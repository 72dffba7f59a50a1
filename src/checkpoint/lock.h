#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace incubate {

/// How long readings of a lock that fail are repeated: on NFS one may fail (ESTALE) where the next succeeds.
inline constexpr std::chrono::seconds kLockPatience(10);

struct LockOptions {
  std::string work = "this training";                    ///< what a job with the lock works on, in messages
  std::string remedy = "Choose another run.directory.";  ///< where the file cannot be made
  std::function<void(const std::string&)> tell = [](const std::string&) {};  ///< shows a message while the job waits
  std::chrono::milliseconds stale_after = std::chrono::seconds(60);
  std::chrono::milliseconds beat_every = std::chrono::seconds(10);
  std::chrono::milliseconds look_every = std::chrono::seconds(1);
  std::chrono::milliseconds patience = kLockPatience;  ///< with readings that fail
};

/// Says in a file that a training belongs to this job: host, process, Slurm job and a heartbeat, which a thread of its
/// own refreshes every ten seconds, however long a step takes. A lock left behind is taken over at once if it is of the
/// same Slurm job before it was requeued, or of a process that find_process() says has ended. Any other lock is taken
/// over if it does not change for a minute of this process's clock, whatever times it holds.
class Lock {
 public:
  /// The text of a lock and the time it was read; no text if there was no lock.
  struct Sighting {
    std::optional<std::string> text;
    std::chrono::steady_clock::time_point at;
  };

  /// Takes the lock. Waits until it is clear that a lock of a job that cannot be seen from here is stale. Throws
  /// InputError, naming the holder, if another job has the lock.
  explicit Lock(const std::filesystem::path& path, const LockOptions& options = {});
  /// Gives it back.
  ~Lock();
  Lock(Lock&& other) noexcept;
  Lock& operator=(Lock&&) = delete;
  Lock(const Lock&) = delete;

  /// Names this holder; another rank of the job can check_held() with it.
  const std::string& token() const { return token_; }

 private:
  friend std::vector<Lock> take_locks(const std::vector<std::filesystem::path>& paths, const LockOptions& options);
  Lock(std::filesystem::path path, const LockOptions& options, const Sighting& first);
  bool try_to_take(const LockOptions& options, const Sighting& first) const;

  std::filesystem::path path_;
  std::string token_;
  std::jthread heart_;
};

/// Takes several locks, in this order, or none. One minute is enough for all that are stale.
std::vector<Lock> take_locks(const std::vector<std::filesystem::path>& paths, const LockOptions& options);

/// Throws std::runtime_error if the lock at `path` is another's, or is not found to be `token`'s for `patience`.
void check_held(const std::filesystem::path& path, const std::string& token,
                std::chrono::milliseconds patience = kLockPatience);

}  // namespace incubate
