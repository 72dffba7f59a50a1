#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "config/run_config.h"

namespace incubate {

/// What becomes of a damaged image: the error goes on, or the next image stands in for it, so that batches stay as
/// large as they are and the same on any number of ranks. May be called by any number of threads.
class DamagedImages {
 public:
  DamagedImages(OnDataError policy, std::int64_t num_images) : policy_(policy), num_images_(num_images) {}

  /// Calls `use` with `index` or, where that throws DamagedImageError and may be skipped, with the next image that does
  /// not; the first comes after the last. Throws on if so many in a row are damaged that something else must be wrong.
  void use(std::int64_t index, const std::function<void(std::int64_t index)>& use);

  /// What was found since the last call: each damaged image is told of once.
  std::vector<std::string> take_messages();

 private:
  void note(std::int64_t index, const std::string& reason);

  OnDataError policy_;
  std::int64_t num_images_;
  std::mutex mutex_;  // guards what follows
  std::set<std::int64_t> known_;
  std::vector<std::string> messages_;
};

}  // namespace incubate
