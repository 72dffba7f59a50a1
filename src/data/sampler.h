#pragma once

#include <cstdint>
#include <vector>

#include "config/run_config.h"

namespace incubate {

/// Where a micro-batch stands in its training.
struct BatchPlace {
  std::int64_t epoch = 0;
  std::int64_t step_in_epoch = 0;
  std::int64_t micro_batch = 0;  ///< 0 .. M-1

  bool operator==(const BatchPlace&) const = default;
};

/// Which images a training reads, in which order: a pure function of (seed, phase, epoch), so that every rank count and
/// every stage of an incubation sees the same. Not thread-safe: it remembers the last epoch's permutation.
class Sampler {
 public:
  /// Each image stands at `copies` positions in a row (repeated augmentation: Hoffer et al. 2019, arXiv 1901.09335), so
  /// that an epoch, whose length stays, shows one image in `copies`. The order is one random permutation of all images;
  /// or, with `block` > 0, one of runs of `block` neighbours, which a micro-batch reads one after the other (for file
  /// systems that are slow at random places; of a set that is packed in random order). Where the runs begin is random.
  /// REQUIRES: `micro` divides `global`, `global` <= `num_images`, `copies` >= 1, and = 1 with a `block`.
  Sampler(std::int64_t num_images, std::int64_t global, std::int64_t micro, std::uint64_t seed, Phase phase,
          std::int64_t copies = 1, std::int64_t block = 0);

  /// Whole steps of one pass over the images.
  std::int64_t steps_per_epoch() const { return num_images_ / global_; }
  std::int64_t micro_batches_per_step() const { return global_ / micro_; }

  /// Positions in the epoch of a micro-batch's samples: sB + m + kM for k = 0 .. b-1.
  std::vector<std::int64_t> positions(const BatchPlace& place) const;
  /// The image at a position of an epoch.
  std::int64_t image_index(std::int64_t epoch, std::int64_t position);

 private:
  std::vector<std::uint32_t> permute(std::int64_t epoch) const;
  /// The place of a position in the order in which micro-batches, one after the other, read their images.
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
