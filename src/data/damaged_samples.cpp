#include "data/damaged_samples.h"

#include <utility>

#include <fmt/format.h>

namespace incubate {
namespace {

/// So many in a row mean a lost shard or failing storage, not chance.
constexpr std::int64_t kMostInRow = 100;

}  // namespace

void DamagedSamples::use(std::int64_t index, const std::function<void(std::int64_t index)>& use) {
  for (std::int64_t tries = 1;; ++tries) {
    try {
      use(index);
      return;
    } catch (const DamagedSampleError& error) {
      if (policy_ == OnDataError::fail || tries == kMostInRow) throw;
      note(index, error.what());
      index = (index + 1) % num_samples_;
    }
  }
}

void DamagedSamples::note(std::int64_t index, const std::string& reason) {
  const std::lock_guard lock(mutex_);
  if (known_.insert(index).second) messages_.push_back(fmt::format("{} The next one stands in for it.", reason));
}

std::vector<std::string> DamagedSamples::take_messages() {
  const std::lock_guard lock(mutex_);
  return std::exchange(messages_, {});
}

}  // namespace incubate
