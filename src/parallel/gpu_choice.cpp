#include "parallel/gpu_choice.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

namespace incubate {
namespace {

constexpr const char* kVisible = "CUDA_VISIBLE_DEVICES";

std::string version_text(int version) { return fmt::format("{}.{}", version / 1000, version / 10 % 100); }

std::string explain_none(const CudaAnswer& cuda, const Environment& environment) {
  if (cuda.runtime_version == 0) return "this program was built without CUDA";
  if (cuda.driver_version == 0) return "no NVIDIA driver is loaded";
  if (cuda.driver_version / 1000 < cuda.runtime_version / 1000) {
    return fmt::format("its NVIDIA driver knows CUDA {}, this program needs {}: have the driver updated",
                       version_text(cuda.driver_version), version_text(cuda.runtime_version));
  }
  if (!cuda.error.empty()) return fmt::format("CUDA says '{}'", cuda.error);
  const auto visible = environment.find(kVisible);
  return visible == environment.end() ? "CUDA finds none" : fmt::format("{}={} leaves none", kVisible, visible->second);
}

std::string find_sign(const Environment& environment, int num_device_files) {
  for (const auto& [name, value] : environment) {
    const bool is_slurms = name.starts_with("SLURM_GPUS") || name == "SLURM_JOB_GPUS" || name == "SLURM_STEP_GPUS";
    if (is_slurms && !value.empty() && value != "0") return name + "=" + value;
  }
  if (num_device_files > 0) return fmt::format("{} device files /dev/nvidia*", num_device_files);
  const auto visible = environment.find(kVisible);
  const std::set<std::string> none = {"", "-1", "NoDevFiles"};
  return visible == environment.end() || none.contains(visible->second)
             ? ""
             : fmt::format("{}={}", kVisible, visible->second);
}

/// Why `lacking` has no GPU of its own.
std::string explain_lack(const std::vector<GpuView>& ranks, const GpuView& lacking) {
  if (lacking.gpus.empty()) {
    const auto num_lacking = std::ranges::count_if(ranks, [](const GpuView& rank) { return rank.gpus.empty(); });
    return fmt::format("{} can use no GPU{}, since {}{}", lacking.rank,
                       lacking.sign.empty() ? "" : fmt::format(" in spite of {}", lacking.sign), lacking.obstacle,
                       ranks.size() == 1 ? "" : fmt::format(" ({} of {} ranks)", num_lacking, ranks.size()));
  }
  std::set<std::string> gpus;
  std::int64_t num_ranks = 0;
  for (const GpuView& rank : ranks) {
    if (rank.host != lacking.host) continue;
    ++num_ranks;
    gpus.insert(rank.gpus.begin(), rank.gpus.end());
  }
  return fmt::format("{} ranks on {} see {} GPU{} (one rank a GPU)", num_ranks, lacking.host, gpus.size(),
                     gpus.size() == 1 ? "" : "s");
}

}  // namespace

GpuView view_gpus(const std::string& rank, const std::string& host, const CudaAnswer& cuda,
                  const Environment& environment, int num_device_files) {
  return {.rank = rank,
          .host = host,
          .gpus = cuda.gpus,
          .obstacle = cuda.gpus.empty() ? explain_none(cuda, environment) : "",
          .sign = find_sign(environment, num_device_files)};
}

GpuDeal deal_gpus(const std::vector<GpuView>& ranks) {
  GpuDeal deal;
  std::map<std::string, std::set<std::string>> taken;  // on each host
  for (const GpuView& rank : ranks) {
    std::set<std::string>& others = taken[rank.host];
    const auto own = std::ranges::find_if(rank.gpus, [&](const std::string& gpu) { return !others.contains(gpu); });
    if (own == rank.gpus.end()) return {.obstacle = explain_lack(ranks, rank)};
    others.insert(*own);
    deal.gpu_of_rank.push_back(static_cast<int>(own - rank.gpus.begin()));
  }
  return deal;
}

bool has_sign_of_gpus(const std::vector<GpuView>& ranks) {
  return std::ranges::any_of(ranks, [](const GpuView& rank) { return !rank.gpus.empty() || !rank.sign.empty(); });
}

}  // namespace incubate
