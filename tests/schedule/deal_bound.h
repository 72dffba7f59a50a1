#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "schedule/makespan_bound.h"

namespace incubate {

/// Returns a time that no sequence of deals can beat, independently of the planner. For any prices y >= 0 the time is
/// at least sum(y_i s_i) / max over deals of sum(y_i speed_i) (weak duality of the configuration program).
/// Multiplicative weights improve the prices (Arora, Hazan and Kale, Theory of Computing 8, 2012). The best deal at
/// given prices is a knapsack, solved over all numbers of ranks. The bound is tighter than makespan_bound() if a
/// training can use a large part of the ranks: then not all trainings can have their favourite group sizes at the same
/// time.
inline double deal_bound(const std::vector<double>& serial_s, std::int64_t micro_batches, std::int64_t num_ranks,
                         int iterations) {
  const std::size_t count = serial_s.size();
  std::vector<std::int64_t> sizes = useful_group_sizes(micro_batches, num_ranks);
  const auto speed = [&](std::int64_t size) {
    return 1 / static_cast<double>(micro_batches_in_turn(micro_batches, size));
  };
  std::vector<double> weights(count, 1 / static_cast<double>(count));  // y_i s_i, of sum 1
  double best_bound = 0;
  for (int iteration = 0; iteration < iterations; ++iteration) {
    std::vector<std::vector<double>> worth(count + 1, std::vector<double>(num_ranks + 1, 0));
    for (std::size_t k = count; k-- > 0;) {
      worth[k] = worth[k + 1];  // no ranks for k
      for (const std::int64_t size : sizes) {
        const double value = weights[k] / serial_s[k] * speed(size);
        for (std::int64_t r = size; r <= num_ranks; ++r) {
          worth[k][r] = std::max(worth[k][r], value + worth[k + 1][r - size]);
        }
      }
    }
    best_bound = std::max(best_bound, 1 / worth[0][num_ranks]);
    std::int64_t ranks = num_ranks;
    double sum = 0;
    for (std::size_t k = 0; k < count; ++k) {  // read the deal back; who gets much is worth less from now on
      double gain = 0;
      for (const std::int64_t size : sizes) {
        if (size > ranks) break;
        const double value = weights[k] / serial_s[k] * speed(size);
        if (std::fabs(worth[k][ranks] - value - worth[k + 1][ranks - size]) > 1e-12 * worth[k][ranks]) continue;
        gain = speed(size) / serial_s[k];
        ranks -= size;
        break;
      }
      weights[k] *= std::exp(-gain * best_bound / std::sqrt(1.0 + iteration));
      sum += weights[k];
    }
    for (double& weight : weights) weight /= sum;
  }
  return best_bound;
}

}  // namespace incubate
