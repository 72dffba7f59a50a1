#pragma once

#include <cstdint>
#include <vector>

namespace incubate {

/// An assignment of ranks to trainings for some time.
struct Deal {
  std::vector<std::int64_t> group_sizes;  ///< per training; 0: finished earlier
  double duration_s = 0;
};

/// Returns successive deals that finish all trainings in (nearly) the least time. They are the optimum of the
/// configuration linear program, found by column generation (Gilmore and Gomory, Operations Research 9, 1961). Its
/// columns are whole deals; its pricing problem, a knapsack of group sizes, is solved exactly. Each unfinished training
/// has at least one rank. There are at most as many deals as trainings. `serial_s[i]` is RemainingWork::serial_s() of
/// training i, ascending and positive. REQUIRES: at least as many ranks as trainings.
std::vector<Deal> rotate_ranks(const std::vector<double>& serial_s, std::int64_t micro_batches, std::int64_t num_ranks);

}  // namespace incubate
