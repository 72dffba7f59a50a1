#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "config/run_config.h"

namespace incubate {

/// Handles damaged images: rethrows the error, or takes the next image instead. Batches then keep their size and stay
/// the same on any number of ranks. Any number of threads may call it at once.
class DamagedImages {
 public:
  DamagedImages(OnDataError policy, std::int64_t num_images) : policy_(policy), num_images_(num_images) {}

  /// Calls `use(index)`. If that throws DamagedImageError and skipping is allowed, tries the following images; the
  /// first follows the last. Rethrows after 100 damaged images in a row.
  void use(std::int64_t index, const std::function<void(std::int64_t index)>& use);

  /// Returns messages about damaged images found since the last call, one for each image.
  std::vector<std::string> take_messages();

 private:
  void note(std::int64_t index, const std::string& reason);

  OnDataError policy_;
  std::int64_t num_images_;
  std::mutex mutex_;  // guards the members below
  std::set<std::int64_t> known_;
  std::vector<std::string> messages_;
};

}  // namespace incubate
