#include "data/sampler.h"

#include <algorithm>

#include "base/random.h"

namespace incubate {

Sampler::Sampler(std::int64_t num_images, std::int64_t global, std::int64_t micro, std::uint64_t seed, Phase phase,
                 std::int64_t copies)
    : num_images_(num_images), global_(global), micro_(micro), seed_(seed), phase_(phase), copies_(copies) {}

std::vector<std::int64_t> Sampler::positions(const BatchPlace& place) const {
  std::vector<std::int64_t> positions(micro_);
  for (std::int64_t k = 0; k < micro_; ++k) {
    positions[k] = (place.step_in_epoch * global_) + place.micro_batch + (k * micro_batches_per_step());
  }
  return positions;
}

std::int64_t Sampler::image_index(std::int64_t epoch, std::int64_t position) {
  if (epoch != permuted_epoch_) {
    permutation_ =
        make_permutation(static_cast<std::uint32_t>(num_images_),
                         make_generator(seed_, Purpose::shuffle,
                                        {static_cast<std::uint64_t>(phase_), static_cast<std::uint64_t>(epoch)}));
    permuted_epoch_ = epoch;
  }
  return permutation_[position / copies_];
}

Share share_of(std::int64_t count, std::int64_t rank, std::int64_t size) {
  const std::int64_t base = count / size;
  const std::int64_t larger = count % size;
  const std::int64_t begin = (rank * base) + std::min(rank, larger);
  return {begin, begin + base + (rank < larger ? 1 : 0)};
}

}  // namespace incubate
