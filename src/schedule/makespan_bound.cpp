#include "schedule/makespan_bound.h"

#include <algorithm>
#include <cmath>

namespace incubate {
namespace {

/// A group size and its speed, 1 / ceil(M / n): in units of one step per micro-batch time.
struct Speed {
  double num_ranks = 0;
  double speed = 0;
};

/// Returns the upper concave envelope of speed over ranks, from (0, 0): what time-sharing between sizes can reach.
std::vector<Speed> speed_envelope(std::int64_t micro_batches, std::int64_t num_ranks) {
  std::vector<Speed> envelope = {{0, 0}};
  for (const std::int64_t size : useful_group_sizes(micro_batches, num_ranks)) {
    const Speed next{static_cast<double>(size), 1 / static_cast<double>(micro_batches_in_turn(micro_batches, size))};
    const auto is_below_chord = [&] {
      const Speed &a = envelope[envelope.size() - 2], &b = envelope.back();
      return (b.speed - a.speed) * (next.num_ranks - a.num_ranks) <=
             (next.speed - a.speed) * (b.num_ranks - a.num_ranks);
    };
    while (envelope.size() >= 2 && is_below_chord()) envelope.pop_back();
    envelope.push_back(next);
  }
  return envelope;
}

/// Returns the average number of ranks that reaches `speed`. REQUIRES: speed is at most the envelope's last.
double ranks_for(double speed, const std::vector<Speed>& envelope) {
  const auto upper = std::ranges::lower_bound(envelope, speed, {}, &Speed::speed);
  if (upper == envelope.begin()) return 0;
  const Speed &b = *upper, &a = *(upper - 1);
  return a.num_ranks + ((speed - a.speed) * (b.num_ranks - a.num_ranks) / (b.speed - a.speed));
}

}  // namespace

std::int64_t micro_batches_in_turn(std::int64_t micro_batches, std::int64_t num_ranks) {
  return (micro_batches + num_ranks - 1) / num_ranks;
}

std::vector<std::int64_t> useful_group_sizes(std::int64_t micro_batches, std::int64_t num_ranks) {
  std::vector<std::int64_t> sizes;
  std::int64_t before = 0;
  for (std::int64_t size = 1; size <= std::min(micro_batches, num_ranks); ++size) {
    const std::int64_t in_turn = micro_batches_in_turn(micro_batches, size);
    if (in_turn != before) sizes.push_back(size);
    before = in_turn;
  }
  return sizes;
}

double makespan_bound(const std::vector<RemainingWork>& work, std::int64_t micro_batches, std::int64_t num_ranks) {
  const std::vector<Speed> envelope = speed_envelope(micro_batches, num_ranks);
  double longest = 0;
  double sum = 0;
  for (const RemainingWork& w : work) {
    longest = std::max(longest, w.serial_s());
    sum += w.serial_s();
  }
  const auto is_enough = [&](double time_s) {
    double ranks = 0;
    for (const RemainingWork& w : work) ranks += ranks_for(w.serial_s() / time_s, envelope);
    return ranks <= static_cast<double>(num_ranks);
  };
  double low = longest / envelope.back().speed;  // the longest training with all the ranks that are useful to it
  if (low == 0 || is_enough(low)) return low;
  double high = sum * static_cast<double>(micro_batches);  // all trainings one after the other on one rank
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (is_enough(middle) ? high : low) = middle;
  }
  return high;
}

}  // namespace incubate
