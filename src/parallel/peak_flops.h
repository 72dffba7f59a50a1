#pragma once

#include <torch/types.h>

#include "parallel/communicator.h"

namespace incubate {

/// FLOP/s that a rank reaches in a square matrix product of numbers of `type` on `device`: the best of those made in
/// about 50 ms, mean over the ranks. All measure at the same time, as they compute: some may share a processor. On the
/// CPU with LibTorch's threads. Leaves no trace in memory_peak_bytes() of a GPU. Collective over `world`.
double measure_peak_flops(torch::Device device, at::ScalarType type, const Communicator& world);

}  // namespace incubate
