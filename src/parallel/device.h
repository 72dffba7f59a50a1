#pragma once

#include <string>

#include <torch/types.h>

#include "parallel/communicator.h"

namespace incubate {

/// The place of a rank among those on its host.
struct NodePlace {
  int rank = 0;
  int size = 1;
};
/// This rank's.
NodePlace place_within_node(const Communicator& world);

/// This rank's GPU (see deal_gpus()), on which it has computed something. Throws AgreedInputError, saying why, if any
/// rank has none, or this program was built without CUDA. Collective over `world`.
torch::Device require_gpu(const Communicator& world);

struct AvailableDevice {
  torch::Device device;
  std::string warning = {};  ///< why it is the CPU where there seem to be GPUs; else empty
};
/// The same GPU if every rank has one, else the CPU on all. Collective over `world`.
AvailableDevice gpu_if_all_have_one(const Communicator& world);

/// Whether a GPU may take TF32 for products of fp32, whose factors it cuts to 10 bits of mantissa. On the CPU nothing.
void allow_tf32(bool is_allowed);

}  // namespace incubate
