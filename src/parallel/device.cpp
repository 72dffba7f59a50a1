#include "parallel/device.h"

#include <algorithm>

#include <ATen/Context.h>
#include <cuda_runtime_api.h>
#include <nccl.h>
#include <torch/cuda.h>

#include "base/check.h"

namespace incubate {
namespace {

int num_gpus() { return torch::cuda::is_available() ? static_cast<int>(torch::cuda::device_count()) : 0; }

torch::Device gpu_of(const NodePlace& place, int visible) {
  return {torch::kCUDA, static_cast<c10::DeviceIndex>(visible == 1 ? 0 : place.rank)};
}

}  // namespace

std::string gpu_library_versions() {
  int cuda = 0;
  int nccl = 0;
  cudaRuntimeGetVersion(&cuda);
  ncclGetVersion(&nccl);
  return fmt::format("CUDA runtime {}.{}, NCCL {}.{}.{}", cuda / 1000, cuda / 10 % 100, nccl / 10000, nccl / 100 % 100,
                     nccl % 100);
}

NodePlace place_within_node(const Communicator& world) {
  const std::vector<std::string> hosts = world.hosts();
  const std::string& mine = hosts[world.rank()];
  NodePlace place;
  place.rank = static_cast<int>(std::count(hosts.begin(), hosts.begin() + world.rank(), mine));
  place.size = static_cast<int>(std::ranges::count(hosts, mine));
  return place;
}

torch::Device require_gpu(const Communicator& world) {
  const NodePlace place = place_within_node(world);
  const int visible = num_gpus();
  agree(world, [&] {
    check_input(
        visible == 1 || visible >= place.size,
        "run.device=cuda, but {} ranks share {} visible GPUs on the host of {} (one rank a GPU). Start with equal "
        "--ntasks-per-node and --gpus-per-node, or give run.device=cpu.",
        place.size, visible, world.member_name(world.rank()));
  });
  return gpu_of(place, visible);
}

void allow_tf32(bool is_allowed) {
  at::globalContext().setAllowTF32CuBLAS(is_allowed);
  at::globalContext().setAllowTF32CuDNN(is_allowed);
}

torch::Device gpu_if_all_have_one(const Communicator& world) {
  const NodePlace place = place_within_node(world);
  const int visible = num_gpus();
  // One visible GPU is this rank's own only if the launcher dealt them; several ranks that see one GPU share it.
  const bool has_one = visible >= place.size;
  std::vector<std::int64_t> without = {has_one ? 0 : 1};
  world.all_reduce_sum(without, "counting GPUs");
  return without[0] == 0 ? gpu_of(place, visible) : torch::Device(torch::kCPU);
}

}  // namespace incubate
