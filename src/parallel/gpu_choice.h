#pragma once

#include <string>
#include <vector>

#include "gpu/cuda_answer.h"
#include "parallel/launch_check.h"

namespace incubate {

/// The GPUs that a rank sees.
struct GpuView {
  std::string rank;  ///< such as "rank 3 on node17"
  std::string host;
  std::vector<std::string> gpus = {};  ///< as CudaAnswer::gpus
  std::string obstacle = {};           ///< why there are none
  std::string sign = {};               ///< a sign that there should be GPUs, such as "SLURM_GPUS=4"; empty: no sign
};

/// Returns the rank's view. `num_device_files` counts /dev/nvidia0, /dev/nvidia1, ...
GpuView view_gpus(const std::string& rank, const std::string& host, const CudaAnswer& cuda,
                  const Environment& environment, int num_device_files);

/// A GPU of its own for every rank, or the reason why that is impossible.
struct GpuDeal {
  std::vector<int> gpu_of_rank = {};  ///< CUDA's index on each rank
  std::string obstacle = {};          ///< empty: every rank has a GPU
};

/// Assigns GPUs in the order of ranks: each rank takes the first GPU it sees that no other rank of its host has. Ranks
/// of a host may see the same or different GPUs.
GpuDeal deal_gpus(const std::vector<GpuView>& ranks);

/// Returns whether any rank sees a GPU or a sign of one.
bool has_sign_of_gpus(const std::vector<GpuView>& ranks);

}  // namespace incubate
