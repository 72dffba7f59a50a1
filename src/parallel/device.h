#pragma once

#include <string>

#include <torch/types.h>

#include "parallel/communicator.h"

namespace incubate {

/// Versions of the CUDA runtime and NCCL that this program runs with, for the log.
std::string gpu_library_versions();

/// The place of a rank among those on its host.
struct NodePlace {
  int rank = 0;
  int size = 1;
};
/// This rank's.
NodePlace place_within_node(const Communicator& world);

/// This rank's GPU: the one of its rank within the node, or the only one where the launcher shows each rank one. Throws
/// InputError on every rank, naming the host, if any rank finds none. Collective over `world`.
torch::Device require_gpu(const Communicator& world);

/// The same if every rank finds a GPU, else the CPU on all. Collective over `world`.
torch::Device gpu_if_all_have_one(const Communicator& world);

/// Whether a GPU may take TF32 for products of fp32, whose factors it cuts to 10 bits of mantissa. On the CPU nothing.
void allow_tf32(bool is_allowed);

}  // namespace incubate
