#pragma once

#include <filesystem>
#include <string>
#include <thread>

namespace incubate {

/// Says in a file that a training belongs to this job: host, process, Slurm job and a heartbeat, which a thread of its
/// own refreshes every ten seconds, however long a step takes. A lock left behind is taken over when it is of the same
/// Slurm job before it was requeued, of a dead process of this host, or its heartbeat is a minute old.
class Lock {
 public:
  /// What messages say.
  struct Words {
    std::string work;    ///< what a job with the lock works on
    std::string remedy;  ///< where the file cannot be made
  };

  /// Takes the lock. Throws InputError, naming the holder, if another job has it.
  explicit Lock(std::filesystem::path path, const Words& words = {"this training", "Choose another run.directory."});
  /// Gives it back.
  ~Lock();
  Lock(Lock&& other) noexcept;
  Lock& operator=(Lock&&) = delete;
  Lock(const Lock&) = delete;

  /// Names this holder; another rank of the job can check_held() with it.
  const std::string& token() const { return token_; }

 private:
  std::filesystem::path path_;
  std::string token_;
  std::jthread heart_;
};

/// Throws std::runtime_error if the lock at `path` is no longer `token`'s.
void check_held(const std::filesystem::path& path, const std::string& token);

}  // namespace incubate
