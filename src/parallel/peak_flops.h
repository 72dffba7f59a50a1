#pragma once

#include <cstdint>

#include <torch/types.h>

#include "parallel/communicator.h"

namespace incubate {

/// Returns the best FLOP/s of this rank in square products of `width` and `type` within about `duration_s`.
double best_product_flops(torch::Device device, at::ScalarType type, std::int64_t width, double duration_s);

/// Returns the FLOP/s that a rank reaches in a square matrix product of `type` on `device`: the best within about 50
/// ms, mean over the ranks. All ranks measure at the same time, because they may share a processor. The CPU uses
/// LibTorch's threads. Does not change memory_peak_bytes() of a GPU. Collective over `world`.
double measure_peak_flops(torch::Device device, at::ScalarType type, const Communicator& world);

}  // namespace incubate
