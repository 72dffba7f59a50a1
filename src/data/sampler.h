#pragma once

#include <cstdint>
#include <vector>

#include "config/run_config.h"

namespace incubate {

/// A micro-batch's place in its training.
struct BatchPlace {
  std::int64_t epoch = 0;
  std::int64_t step_in_epoch = 0;
  std::int64_t micro_batch = 0;  ///< 0 .. M-1

  bool operator==(const BatchPlace&) const = default;
};

/// Decides which images a training reads, in which order: a pure function of (seed, phase, epoch). So any number of
/// ranks and every stage's incubation see the same. Not thread-safe: keeps the last epoch's permutation.
class Sampler {
 public:
  /// Each image stands at `copies` consecutive positions (repeated augmentation: Hoffer et al. 2019, arXiv 1901.09335).
  /// An epoch keeps its length, so it shows one image in `copies`. The order is one random permutation of all images.
  /// With `block` > 0, runs of `block` neighbours are permuted instead, from a random begin, and micro-batches read
  /// each run in order. (For file systems with slow random access; pack the set in random order.) REQUIRES: `micro`
  /// divides `global`, `global` <= `num_images`, `copies` >= 1, and = 1 with a `block`.
  Sampler(std::int64_t num_images, std::int64_t global, std::int64_t micro, std::uint64_t seed, Phase phase,
          std::int64_t copies = 1, std::int64_t block = 0);

  /// Returns the number of whole steps in one pass over the images.
  std::int64_t steps_per_epoch() const { return num_images_ / global_; }
  std::int64_t micro_batches_per_step() const { return global_ / micro_; }

  /// Returns the epoch positions of a micro-batch's samples: sB + m + kM for k = 0 .. b-1.
  std::vector<std::int64_t> positions(const BatchPlace& place) const;
  /// Returns the image at a position of an epoch.
  std::int64_t image_index(std::int64_t epoch, std::int64_t position);

 private:
  std::vector<std::uint32_t> permute(std::int64_t epoch) const;
  /// Returns the place of `position` in the order in which successive micro-batches read images.
  std::int64_t reading_place(std::int64_t position) const;

  std::int64_t num_images_;
  std::int64_t global_;
  std::int64_t micro_;
  std::uint64_t seed_;
  Phase phase_;
  std::int64_t copies_;
  std::int64_t block_;
  std::int64_t permuted_epoch_ = -1;
  std::vector<std::uint32_t> permutation_;
};

}  // namespace incubate
