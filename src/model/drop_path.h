#pragma once

#include <cstdint>
#include <vector>

#include <torch/types.h>

#include "config/run_config.h"

namespace incubate {

/// Stochastic depth (Huang et al., ECCV 2016): training drops each residual branch of each sample with its block's
/// rate p and scales the others by 1/(1-p).

/// Returns rates that rise linearly from 0 at the first block to `rate` at the last.
std::vector<double> drop_path_rates(double rate, std::int64_t num_blocks);

/// Returns factors (num_blocks, 2, batch) on the CPU: 0 or 1/(1-p) for the attention and MLP branch of each block and
/// sample. A block's draws depend only on its position: all incubations share them. Undefined if all rates are 0.
torch::Tensor draw_branch_scales(const std::vector<double>& rates, std::int64_t batch, std::uint64_t seed, Phase phase,
                                 std::int64_t step, std::int64_t micro_batch);

}  // namespace incubate
