#pragma once

#include <string>

#include <torch/types.h>

#include "parallel/communicator.h"

namespace incubate {

/// Returns the versions of the CUDA runtime and NCCL in use, for the log.
std::string gpu_library_versions();

/// A rank's place among the ranks of its host.
struct NodePlace {
  int rank = 0;
  int size = 1;
};
/// Returns this rank's place.
NodePlace place_within_node(const Communicator& world);

/// Returns this rank's GPU (see deal_gpus()) after computing something on it. Throws AgreedInputError with the reason
/// if any rank has no GPU. Collective over `world`.
torch::Device require_gpu(const Communicator& world);

struct AvailableDevice {
  torch::Device device;
  std::string warning = {};  ///< why the CPU is used although there seem to be GPUs; else empty
};
/// Returns the rank's GPU if every rank has one, else the CPU on all ranks. Collective over `world`.
AvailableDevice gpu_if_all_have_one(const Communicator& world);

/// Lets a GPU use TF32 (factors with 10 bits of mantissa) for fp32 products. No effect on the CPU.
void allow_tf32(bool is_allowed);

}  // namespace incubate
