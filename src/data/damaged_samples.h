#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "config/run_config.h"
#include "hdf5/verified_file.h"

namespace incubate {

/// A sample's bytes are not the packed ones.
class DamagedSampleError : public DamagedFileError {
 public:
  using DamagedFileError::DamagedFileError;
};

/// Handles damaged samples: rethrows the error, or takes the next sample instead. Batches then keep their size and stay
/// the same on any number of ranks. Any number of threads may call it at once.
class DamagedSamples {
 public:
  DamagedSamples(OnDataError policy, std::int64_t num_samples) : policy_(policy), num_samples_(num_samples) {}

  /// Calls `use(index)`. If that throws DamagedSampleError and skipping is allowed, tries the following samples;
  /// the first follows the last. Rethrows after 100 damaged samples in a row.
  void use(std::int64_t index, const std::function<void(std::int64_t index)>& use);

  /// Returns messages about damaged samples found since the last call, one for each sample.
  std::vector<std::string> take_messages();

 private:
  void note(std::int64_t index, const std::string& reason);

  OnDataError policy_;
  std::int64_t num_samples_;
  std::mutex mutex_;  // guards the members below
  std::set<std::int64_t> known_;
  std::vector<std::string> messages_;
};

}  // namespace incubate
