#pragma once

#include <cstdint>
#include <vector>

namespace incubate {

/// A deal of ranks to trainings that lasts for a while.
struct Deal {
  std::vector<std::int64_t> group_sizes;  ///< of each training; 0: done before
  double duration_s = 0;
};

/// Deals, one after the other, that finish all trainings in (nearly) the least time: the optimum of the configuration
/// linear program, found by column generation (Gilmore and Gomory, Operations Research 9, 1961), whose columns are
/// whole deals and whose pricing problem, a knapsack of group sizes, is solved exactly. A training that is not done
/// has a rank at least. There are at most as many deals as trainings.
/// `serial_s[i]` is the time training i takes with one micro-batch in turn (RemainingWork::serial_s), ascending and
/// positive. REQUIRES: at least as many ranks as trainings.
std::vector<Deal> rotate_ranks(const std::vector<double>& serial_s, std::int64_t micro_batches, std::int64_t num_ranks);

}  // namespace incubate
