#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "base/stopwatch.h"
#include "parallel/communicator.h"
#include "parallel/status_channel.h"
#include "report/progress.h"

namespace incubate {

/// The progress of ranks that each work through shards of their own, shown by rank 0 for all, and what lets them end
/// together: the first that fails makes all stop. Collective: construction and finish().
class ShardProgress {
 public:
  struct Amount {
    std::int64_t images = 0;
    std::int64_t bytes = 0;
  };
  /// Thrown by add() when another rank has failed.
  struct Stopped {};

  /// `work` names it on the line; `total` is that of all ranks.
  ShardProgress(const Communicator& world, std::string work, Amount total);

  /// This rank has done more.
  void add(Amount more);
  /// Runs this rank's part; if it throws InputError, all ranks stop. Returns when all have ended theirs; then every
  /// rank throws AgreedInputError if any failed.
  void run(const std::function<void()>& part);

  /// Seconds since the start.
  double elapsed_s() const { return watch_.elapsed_s(); }

 private:
  void show(std::span<const std::byte> report);

  const Communicator& world_;
  std::string work_;
  Amount total_;
  Amount done_;
  bool has_failed_ = false;
  std::map<int, Amount> done_of_;  // on rank 0: by rank
  Progress progress_{automatic_progress_style()};
  Stopwatch watch_;
  Stopwatch since_exchange_;
  StatusChannel channel_;
};

}  // namespace incubate
