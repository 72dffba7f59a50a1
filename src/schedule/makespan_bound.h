#pragma once

#include <cstdint>
#include <vector>

namespace incubate {

/// What a training has left to do, for planning. A group of n ranks takes ceil(M / n) of a step's M micro-batches one
/// after the other, so its step takes that many times `micro_batch_s`.
struct RemainingWork {
  std::int64_t num_steps = 0;
  double micro_batch_s = 0;  ///< forward, backward and its share of the step, on one rank

  /// Of all steps' micro-batches, one after the other, divided by M: the time that a step's one micro-batch would take.
  double serial_s() const { return static_cast<double>(num_steps) * micro_batch_s; }
};

/// ceil(M / num_ranks): micro-batches that a rank of the group takes one after the other.
std::int64_t micro_batches_in_turn(std::int64_t micro_batches, std::int64_t num_ranks);

/// Group sizes that are worth having, ascending: the smallest for each value of ceil(M / n), up to `num_ranks`.
std::vector<std::int64_t> useful_group_sizes(std::int64_t micro_batches, std::int64_t num_ranks);

/// A time in seconds that no deal of `num_ranks` ranks can beat: the optimum of the linear program in which every
/// training divides its time freely among the useful group sizes (one of them at a time), and only the sum of
/// rank-seconds is limited. REQUIRES: positive counts. 0 if nothing is left.
double makespan_bound(const std::vector<RemainingWork>& work, std::int64_t micro_batches, std::int64_t num_ranks);

}  // namespace incubate
