#include "data/sampler.h"

#include <algorithm>

#include "base/random.h"

namespace incubate {

SequentialSampler::SequentialSampler(std::vector<std::uint32_t> indices, std::int64_t size, std::int64_t rank,
                                     std::int64_t num_ranks)
    : indices_(std::move(indices)), size_(size), share_(share_of((num_samples() + size - 1) / size, rank, num_ranks)) {}

std::vector<Sample> SequentialSampler::samples(const BatchPlace& place) {
  std::vector<Sample> samples;
  const std::int64_t begin = place.micro_batch * size_, end = std::min(begin + size_, num_samples());
  for (std::int64_t i = begin; i < end; ++i) samples.push_back({.position = i, .index = indices_[i]});
  return samples;
}

std::vector<std::uint32_t> choose_samples(std::int64_t num_samples, std::int64_t count) {
  const auto size = static_cast<std::uint32_t>(num_samples);
  Generator generator = make_generator(0, Purpose::subset, {});
  std::vector<std::uint32_t> indices = make_permutation(size, generator);
  indices.resize(std::min(num_samples, count));
  std::ranges::sort(indices);
  return indices;
}

RandomSampler::RandomSampler(std::int64_t num_samples, std::int64_t global, std::int64_t micro, std::uint64_t seed,
                             Phase phase, std::int64_t copies, std::int64_t block, const Share& share)
    : num_samples_(num_samples),
      global_(global),
      micro_(micro),
      seed_(seed),
      phase_(phase),
      copies_(copies),
      block_(block),
      share_(share.size() > 0 ? share : Share{0, global / micro}) {}

std::vector<Sample> RandomSampler::samples(const BatchPlace& place) {
  std::vector<Sample> samples;
  for (std::int64_t k = 0; k < micro_; ++k) {
    const std::int64_t position = (place.step_in_epoch * global_) + place.micro_batch + (k * micro_batches_per_step());
    samples.push_back({place.epoch, position, index_at(place.epoch, position)});
  }
  return samples;
}

std::optional<BatchPlace> RandomSampler::next(const BatchPlace& place) const {
  BatchPlace next = place;
  if (++next.micro_batch < share_.end) return next;
  next.micro_batch = share_.begin;
  if (++next.step_in_epoch < steps_per_epoch()) return next;
  next.step_in_epoch = 0;
  ++next.epoch;
  return next;
}

std::int64_t RandomSampler::index_at(std::int64_t epoch, std::int64_t position) {
  if (epoch != permuted_epoch_) {
    permutation_ = permute(epoch);
    permuted_epoch_ = epoch;
  }
  return permutation_[block_ > 0 ? reading_place(position) : position / copies_];
}

std::vector<std::uint32_t> RandomSampler::permute(std::int64_t epoch) const {
  Generator generator =
      make_generator(seed_, Purpose::shuffle, {static_cast<std::uint64_t>(phase_), static_cast<std::uint64_t>(epoch)});
  const auto count = static_cast<std::uint32_t>(num_samples_);
  if (block_ == 0) return make_permutation(count, generator);
  const auto block = static_cast<std::uint32_t>(std::min(block_, num_samples_));
  const std::uint32_t first = generator.below(count);  // begin of the first run; the set is a ring
  std::vector<std::uint32_t> order;
  order.reserve(count);
  for (const std::uint32_t run : make_permutation((count + block - 1) / block, generator)) {
    const std::uint32_t end = std::min((run + 1) * block, count);
    for (std::uint32_t i = run * block; i < end; ++i) order.push_back((first + i) % count);
  }
  return order;
}

std::int64_t RandomSampler::reading_place(std::int64_t position) const {
  const std::int64_t step = position / global_;
  const std::int64_t in_step = position % global_;
  if ((step + 1) * global_ > num_samples_) return position;  // positions after the last whole step
  const std::int64_t micro_batch = in_step % micro_batches_per_step();
  return (step * global_) + (micro_batch * micro_) + (in_step / micro_batches_per_step());
}

}  // namespace incubate
