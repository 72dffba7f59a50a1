#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "base/clock.h"
#include "parallel/communicator.h"
#include "parallel/status_channel.h"
#include "report/progress.h"

namespace incubate {

/// Progress of ranks that each work through their own shards, shown by rank 0. The first rank that fails stops all
/// ranks. Collective: construction and run().
class ShardProgress {
 public:
  struct Amount {
    std::int64_t images = 0;
    std::int64_t bytes = 0;
  };
  /// Thrown by add() when another rank has failed.
  struct Stopped {};

  /// `work` names the work on the progress line; `total` is of all ranks.
  ShardProgress(const Communicator& world, std::string work, Amount total);

  /// Adds to this rank's finished work.
  void add(Amount more);
  /// Runs this rank's part; an InputError in it stops all ranks. Returns when every rank has ended its part. Throws
  /// AgreedInputError on every rank if any failed.
  void run(const std::function<void()>& part);

  /// Returns the seconds since construction.
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
