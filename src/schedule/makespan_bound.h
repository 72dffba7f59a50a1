#pragma once

#include <cstdint>
#include <vector>

namespace incubate {

/// A training's remaining work, for planning. A group of n ranks computes a step's M micro-batches in ceil(M / n)
/// turns, each of which takes `micro_batch_s`.
struct RemainingWork {
  std::int64_t num_steps = 0;
  double micro_batch_s = 0;  ///< forward, backward and their share of the update, on one rank

  /// Returns the time of all remaining steps with one micro-batch each.
  double serial_s() const { return static_cast<double>(num_steps) * micro_batch_s; }
};

/// Returns ceil(M / num_ranks): micro-batches that a rank of the group computes one after the other.
std::int64_t micro_batches_in_turn(std::int64_t micro_batches, std::int64_t num_ranks);

/// Returns the useful group sizes up to `num_ranks`, ascending: the smallest n for each value of ceil(M / n).
std::vector<std::int64_t> useful_group_sizes(std::int64_t micro_batches, std::int64_t num_ranks);

/// Returns a time in seconds that no assignment of `num_ranks` ranks can beat; 0 if no work is left. It is the optimum
/// of a linear program. Each training divides its time freely among the useful group sizes, one at a time; only the sum
/// of rank-seconds is limited. REQUIRES: positive counts.
double makespan_bound(const std::vector<RemainingWork>& work, std::int64_t micro_batches, std::int64_t num_ranks);

}  // namespace incubate
