#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/share.h"
#include "config/run_config.h"

namespace incubate {

/// A batch's place in a training; in an evaluation, `micro_batch` counts its batches.
struct BatchPlace {
  std::int64_t epoch = 0;
  std::int64_t step_in_epoch = 0;
  std::int64_t micro_batch = 0;  ///< 0 .. M-1

  bool operator==(const BatchPlace&) const = default;
};

/// A sample to make. Its random draws have the address (epoch, position).
struct Sample {
  std::int64_t epoch = 0;
  std::int64_t position = 0;  ///< within the epoch
  std::int64_t index = 0;     ///< within the split

  bool operator==(const Sample&) const = default;
};

/// Decides which samples a batch has, and in which order batches are likely to be asked for.
class Sampler {
 public:
  virtual ~Sampler() = default;
  /// Returns the number of samples to choose from, on all ranks together.
  virtual std::int64_t num_samples() const = 0;
  virtual std::vector<Sample> samples(const BatchPlace& place) = 0;
  /// Returns this rank's first place; nothing if it has no batch.
  virtual std::optional<BatchPlace> first() const = 0;
  /// Returns this rank's place after `place`; nothing at the end.
  virtual std::optional<BatchPlace> next(const BatchPlace& place) const = 0;
};

/// Chosen samples once each, in order, `size` a batch; the last batch may be smaller.
class SequentialSampler final : public Sampler {
 public:
  SequentialSampler(std::vector<std::uint32_t> indices, std::int64_t size, std::int64_t rank = 0,
                    std::int64_t num_ranks = 1);

  std::int64_t num_samples() const override { return std::ssize(indices_); }
  std::vector<Sample> samples(const BatchPlace& place) override;
  std::optional<BatchPlace> first() const override { return from(share_.begin); }
  std::optional<BatchPlace> next(const BatchPlace& place) const override { return from(place.micro_batch + 1); }

 private:
  std::optional<BatchPlace> from(std::int64_t batch) const {
    return batch < share_.end ? std::optional(BatchPlace{.micro_batch = batch}) : std::nullopt;
  }

  std::vector<std::uint32_t> indices_;
  std::int64_t size_;
  Share share_;
};

/// Returns `count` random indices of `num_samples` samples, ascending, always the same; all if there are no more.
std::vector<std::uint32_t> choose_samples(std::int64_t num_samples, std::int64_t count);

/// Micro-batches of a random order: a pure function of (seed, phase, epoch). So any number of ranks and every stage's
/// incubation see the same. Not thread-safe: keeps the last epoch's permutation.
class RandomSampler final : public Sampler {
 public:
  /// Each sample stands at `copies` consecutive positions (repeated augmentation: Hoffer et al. 2019, arXiv
  /// 1901.09335). An epoch keeps its length, so it shows one sample in `copies`. The order is one random permutation of
  /// all samples. With `block` > 0, runs of `block` neighbours are permuted instead, from a random begin, and
  /// micro-batches read each run in order. (For file systems with slow random access; pack the set in random order.)
  /// `share` is the range of each step's micro-batches that this rank asks for, in order; empty means all.
  /// REQUIRES: `micro` divides `global`, `global` <= `num_samples`, `copies` >= 1, and = 1 with a `block`.
  RandomSampler(std::int64_t num_samples, std::int64_t global, std::int64_t micro, std::uint64_t seed, Phase phase,
                std::int64_t copies = 1, std::int64_t block = 0, const Share& share = {});

  std::int64_t num_samples() const override { return num_samples_; }
  /// Returns the number of whole steps in one pass over the samples.
  std::int64_t steps_per_epoch() const { return num_samples_ / global_; }
  std::int64_t micro_batches_per_step() const { return global_ / micro_; }

  /// Position k of micro-batch m in step s is sB + m + kM, for k = 0 .. b-1.
  std::vector<Sample> samples(const BatchPlace& place) override;
  std::optional<BatchPlace> first() const override { return BatchPlace{.micro_batch = share_.begin}; }
  std::optional<BatchPlace> next(const BatchPlace& place) const override;
  /// Returns the sample at a position of an epoch.
  std::int64_t index_at(std::int64_t epoch, std::int64_t position);

 private:
  std::vector<std::uint32_t> permute(std::int64_t epoch) const;
  /// Returns the place of `position` in the order in which successive micro-batches read samples.
  std::int64_t reading_place(std::int64_t position) const;

  std::int64_t num_samples_;
  std::int64_t global_;
  std::int64_t micro_;
  std::uint64_t seed_;
  Phase phase_;
  std::int64_t copies_;
  std::int64_t block_;
  Share share_;
  std::int64_t permuted_epoch_ = -1;
  std::vector<std::uint32_t> permutation_;
};

}  // namespace incubate
