#pragma once

#include <cstdint>
#include <string>

#include <torch/types.h>

#include "base/random.h"
#include "config/run_config.h"

namespace incubate {

/// Returns the generator of a parameter's first values, addressed by (seed, phase, stage, name within the stage).
Generator parameter_generator(std::uint64_t seed, Phase phase, std::int64_t stage_index, const std::string& name);

// REQUIRES of every function: `tensor` is float, contiguous and on the CPU.

/// Fills with normal values of standard deviation `deviation`.
void fill_normal(torch::Tensor& tensor, double deviation, Generator generator);
/// Fills with normal values of standard deviation 0.02, truncated at +-2 as in DeiT's recipe.
void fill_truncated_normal(torch::Tensor& tensor, Generator generator);
/// Fills with uniform values in +-bound. PyTorch's linear layers and convolutions have bound = 1/sqrt(fan in).
void fill_uniform(torch::Tensor& tensor, double bound, Generator generator);

}  // namespace incubate
