#pragma once

#include <cstdint>
#include <vector>

#include <torch/types.h>

#include "config/run_config.h"

namespace incubate {

/// Stochastic depth (Huang et al., ECCV 2016): in training, each residual branch of each sample is dropped with its
/// block's rate p, and scaled by 1/(1-p) where it is kept.

/// Rates rising linearly from 0 at the first block to `rate` at the last.
std::vector<double> drop_path_rates(double rate, std::int64_t num_blocks);

/// Factors (num_blocks, 2, batch), on the CPU: 0 or 1/(1-p) for the attention and MLP branch of each block and sample.
/// The draws of a block depend on its position only, so all incubations share them. Undefined if every rate is 0.
torch::Tensor draw_branch_scales(const std::vector<double>& rates, std::int64_t batch, std::uint64_t seed, Phase phase,
                                 std::int64_t step, std::int64_t micro_batch);

}  // namespace incubate
