#include "parallel/device.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>

#include <ATen/Context.h>
#include <ATen/Version.h>
#include <c10/core/DeviceGuard.h>
#include <fmt/ranges.h>
#include <torch/torch.h>

#include "base/check.h"
#include "gpu/exact_sums.h"
#include "parallel/gpu_choice.h"

namespace incubate {
namespace {

/// /dev/nvidia0 and its like; /dev/nvidiactl is there without a GPU.
int count_device_files() {
  int count = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/dev", error)) {
    const std::string name = entry.path().filename().string();
    count += name.starts_with("nvidia") && name.size() > 6 && std::isdigit(static_cast<unsigned char>(name[6])) ? 1 : 0;
  }
  return count;
}

std::vector<GpuView> gather_views(const Communicator& world) {
  const std::vector<std::string> hosts = world.hosts();
  const CudaAnswer cuda = ask_cuda();
  const GpuView own = view_gpus(world.member_name(world.rank()), hosts[world.rank()], cuda, current_environment(),
                                count_device_files());
  const std::vector<std::string> obstacles = world.gather(own.obstacle, "looking for GPUs");
  const std::vector<std::string> signs = world.gather(own.sign, "looking for GPUs");
  const std::vector<std::string> gpus = world.gather(fmt::format("{}", fmt::join(own.gpus, " ")), "looking for GPUs");
  std::vector<GpuView> views;
  for (int rank = 0; rank < world.size(); ++rank) {
    views.push_back({.rank = world.member_name(rank),
                     .host = hosts[rank],
                     .gpus = {},
                     .obstacle = obstacles[rank],
                     .sign = signs[rank]});
    std::istringstream words(gpus[rank]);
    for (std::string gpu; words >> gpu;) views.back().gpus.push_back(gpu);
  }
  return views;
}

/// Why the GPU cannot run this program, of which it tries a kernel of LibTorch's and one of our own; empty: it can.
std::string find_fault(torch::Device gpu) {
  try {
    const c10::DeviceGuard guard(gpu);
    const torch::Tensor sum = torch::ones({1}, torch::dtype(torch::kInt64).device(gpu));
    const torch::Tensor divisor = torch::ones({1}, torch::dtype(torch::kFloat64).device(gpu));
    torch::Tensor mean = torch::zeros({1}, torch::dtype(torch::kFloat32).device(gpu));
    gpu::exact_mean(sum.data_ptr<std::int64_t>(), 1, divisor.data_ptr<double>(), mean.data_ptr<float>());
    mean.item<float>();
    return "";
  } catch (const c10::Error& error) {
    const std::string text = error.what_without_backtrace();
    return text.substr(0, text.find('\n'));
  }
}

torch::Device gpu_of(const GpuDeal& deal, int rank) {
  return {torch::kCUDA, static_cast<c10::DeviceIndex>(deal.gpu_of_rank[rank])};
}

/// Returns what deal_gpus() does, after a check that every rank's GPU works.
GpuDeal find_gpus(const Communicator& world, const std::vector<GpuView>& views) {
  GpuDeal deal = deal_gpus(views);
  if (!deal.obstacle.empty()) return deal;
  const std::vector<std::string> faults = world.gather(find_fault(gpu_of(deal, world.rank())), "trying the GPUs");
  for (int rank = 0; rank < world.size() && deal.obstacle.empty(); ++rank) {
    if (faults[rank].empty()) continue;
    deal.obstacle = fmt::format("the GPU {} of {} cannot run this program: {}",
                                views[rank].gpus[deal.gpu_of_rank[rank]], views[rank].rank, faults[rank]);
  }
  return deal;
}

}  // namespace

NodePlace place_within_node(const Communicator& world) {
  const std::vector<std::string> hosts = world.hosts();
  const std::string& mine = hosts[world.rank()];
  NodePlace place;
  place.rank = static_cast<int>(std::count(hosts.begin(), hosts.begin() + world.rank(), mine));
  place.size = static_cast<int>(std::ranges::count(hosts, mine));
  return place;
}

torch::Device require_gpu(const Communicator& world) {
  if (ask_cuda().runtime_version == 0) {
    throw AgreedInputError(
        "run.device=cuda, but this program was built without CUDA. Build it with -DINCUBATE_CUDA=ON, or give "
        "run.device=cpu.");
  }
  const GpuDeal deal = find_gpus(world, gather_views(world));
  if (!deal.obstacle.empty()) {
    throw AgreedInputError(fmt::format(
        "run.device=cuda, but {}. Start one rank a GPU, with equal --ntasks-per-node and --gpus-per-node, or give "
        "run.device=cpu.",
        deal.obstacle));
  }
  return gpu_of(deal, world.rank());
}

std::string describe_device(torch::Device device) {
  if (device.is_cuda()) {
    std::ifstream file("/proc/driver/nvidia/version");  // "NVRM version: ... Kernel Module  580.65.06  DATE"
    std::string word;
    while (file >> word && !std::isdigit(static_cast<unsigned char>(word.front()))) {
    }
    return fmt::format("GPU ({}, driver {})", ask_cuda().names.at(device.index()), file ? word : "unknown");
  }
  std::ifstream file("/proc/cpuinfo");
  std::string name, line;
  while (name.empty() && std::getline(file, line)) {
    if (line.starts_with("model name")) name = line.substr(line.find(':') + 2) + ", ";
  }
  return fmt::format("CPU ({}{})", name, at::get_cpu_capability());
}

void allow_tf32(bool is_allowed) {
  at::globalContext().setAllowTF32CuBLAS(is_allowed);
  at::globalContext().setAllowTF32CuDNN(is_allowed);
}

AvailableDevice gpu_if_all_have_one(const Communicator& world) {
  const std::vector<GpuView> views = gather_views(world);
  const GpuDeal deal = find_gpus(world, views);
  if (deal.obstacle.empty()) return {.device = gpu_of(deal, world.rank())};
  if (!has_sign_of_gpus(views)) return {.device = torch::kCPU};
  return {.device = torch::kCPU,
          .warning = fmt::format("run.device=auto takes the CPU: {}. With run.device=cuda the job ends instead; "
                                 "run.device=cpu is the CPU without this warning.",
                                 deal.obstacle)};
}

}  // namespace incubate
