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
  std::vector<std::string> gpus = {};  ///< as CudaAnswer
  std::string obstacle = {};           ///< why there are none
  std::string sign = {};               ///< says that there should be some, such as "SLURM_GPUS=4"; empty: nothing does
};

/// `num_device_files` counts /dev/nvidia0 and its like.
GpuView view_gpus(const std::string& rank, const std::string& host, const CudaAnswer& cuda,
                  const Environment& environment, int num_device_files);

/// A GPU of its own for every rank, or why that cannot be.
struct GpuDeal {
  std::vector<int> gpu_of_rank = {};  ///< CUDA's index on each rank
  std::string obstacle = {};          ///< empty: every rank has one
};

/// In the order of ranks, each takes the first GPU it sees that no other rank of its host has: those of one rank may be
/// hidden from the others, or not.
GpuDeal deal_gpus(const std::vector<GpuView>& ranks);

/// Whether any rank sees a GPU or a sign of one.
bool has_sign_of_gpus(const std::vector<GpuView>& ranks);

}  // namespace incubate
