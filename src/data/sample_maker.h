#pragma once

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <span>

#include "data/sampler.h"

namespace incubate {

/// The samples of one forward pass. Only the task that makes them knows what else is in it.
struct Batch {
  explicit Batch(std::int64_t its_size) : size(its_size) {}
  virtual ~Batch() = default;
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  const std::int64_t size;
};

/// Makes the samples of a split. Each is a pure function of its Sample, and a batch of its place and samples.
class SampleMaker {
 public:
  virtual ~SampleMaker() = default;

  virtual std::int64_t num_samples() const = 0;
  /// Returns a batch whose samples are yet to be made. Allocates all of its memory from `memory`. Runs on the loading
  /// thread.
  virtual std::unique_ptr<Batch> begin(const BatchPlace& place, std::span<const Sample> samples,
                                       std::pmr::memory_resource* memory) const = 0;
  /// Writes sample k of a batch. Runs on any thread, several at once. Throws DamagedSampleError.
  virtual void make(Batch& batch, std::int64_t k, const Sample& sample) const = 0;
};

}  // namespace incubate
