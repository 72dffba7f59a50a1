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
/// Returns this rank's place.
NodePlace place_within_node(const Communicator& world);

/// This rank's GPU (see deal_gpus()), on which it has computed something. Throws AgreedInputError, saying why, if any
/// rank has none, or this program was built without CUDA. Collective over `world`.
torch::Device require_gpu(const Communicator& world);

struct AvailableDevice {
  torch::Device device;
  std::string warning = {};  ///< why the CPU is used although there seem to be GPUs; else empty
};
/// Returns the rank's GPU if every rank has one, else the CPU on all ranks. Collective over `world`.
AvailableDevice gpu_if_all_have_one(const Communicator& world);

/// Returns what the device is: "CPU (AMD EPYC 9554, AVX512)" or "GPU (NVIDIA H200, driver 580.65.06)".
std::string describe_device(torch::Device device);

/// Lets a GPU use TF32 (factors with 10 bits of mantissa) for fp32 products. No effect on the CPU.
void allow_tf32(bool is_allowed);

}  // namespace incubate
