#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "forecast/cost_model.h"

namespace incubate {

// Predicts the memory that a rank's GPU needs. Formulas give our own memory; the constants below are published figures
// of other projects.

inline constexpr std::int64_t kMiB = std::int64_t{1} << 20;

/// CUDA's context with its loaded kernels: the largest of three reports of memory held besides PyTorch's allocations.
/// They are 0.49 GiB on an A100 of 40 GB (github.com/TianheWu/CoSeR, issue 10), the same on one of 80 GB
/// (lianqi1008/Control-GIC, issue 6), and 0.95 GiB (vllm-project/compressed-tensors, pull request 587).
inline constexpr std::int64_t kContextBytes = 973 * kMiB;

/// PyTorch gives each thread's cuBLAS handle a workspace: 32 MiB on Hopper, else 8.1 MiB (parseChosenWorkspaceSize()
/// and setWorkspaceForHandle() in aten/src/ATen/cuda/CublasHandlePool.cpp; CUBLAS_WORKSPACE_CONFIG overrides it). Two
/// threads have one: that of the forward pass and autograd's.
inline constexpr std::int64_t kCublasBytes = 2 * 32 * kMiB;
/// One more workspace for the stream that records passes as a CUDA graph.
inline constexpr std::int64_t kRecordedCublasBytes = 32 * kMiB;

/// A group's NCCL communicator, measured on A100s for all-reductions in groups of more than two (NVIDIA/nccl, issue
/// 964). Two connections of 32 channels need the same: one channel takes 10 MiB (issue 1685), for NCCL_BUFFSIZE = 4 MiB
/// and the buffers of the other protocols.
inline constexpr std::int64_t kNcclBytes = 688 * kMiB;

/// Share of the allocated memory that fragmentation makes unusable. vllm-project/compressed-tensors reserves as much
/// (pull request 587), after losing 1.83 of 75.31 GiB. The messages above report 0.49 of 8.27 and 0.89 of 12.87 GiB.
inline constexpr double kFragmentation = 0.05;

/// A GPU by the size on its label, and the bytes that CUDA reports. The driver's part is missing from the 40,960,
/// 81,920 (A100) and 81,559 MiB (H100) of nvidia-smi (modal-labs/modal-client, pull request 2797). CUDA reports 39.50
/// GiB (TianheWu/CoSeR, issue 10); 79.11 GiB on an H100 (vllm-project/vllm, issue 27508), 79.14 on an A100
/// (lianqi1008/Control-GIC, issue 6).
struct GpuCard {
  const char* name;
  std::int64_t bytes;
};
inline constexpr std::array kGpuCards = {GpuCard{"40 GB", 40448 * kMiB}, GpuCard{"80 GB", 81008 * kMiB}};

/// Memory of a rank's GPU in bytes. Exact sums and their means need no temporary tensors.
struct GpuMemory {
  Memory tensors = {};      ///< as on a CPU, except activations
  std::int64_t copies = 0;  ///< bfloat16 copies of product weights, including frozen ones
  std::int64_t working =
      0;  ///< largest temporary memory besides activations: backward pass, frozen stages, or between steps
  std::int64_t libraries = 0;  ///< CUDA's context, cuBLAS, NCCL
  std::int64_t reserve = 0;    ///< for fragmentation

  /// Returns the memory that does not depend on the micro-batch.
  std::int64_t state() const { return tensors.total() - tensors.activations + copies; }
  std::int64_t total() const { return state() + tensors.activations + working + libraries + reserve; }
};

/// Returns the GPU memory of a rank training `trainings`, all of one phase. A recorded training keeps the memory of its
/// passes, with a copy of their input; other trainings use the same memory in turn.
GpuMemory gpu_memory_per_rank(const std::vector<const Training*>& trainings, const MemorySettings& settings);

/// Returns the largest micro-batch, up to that of `settings`, that divides `global_batch` and fits `card`; nothing if
/// not even 1 fits.
std::optional<std::int64_t> find_largest_micro(const std::vector<const Training*>& trainings, MemorySettings settings,
                                               std::int64_t global_batch, const GpuCard& card);

/// A training on GPUs, in a group of `num_ranks` that trains nothing else.
struct GpuPlan {
  std::int64_t micro = 0;  ///< as configured
  GpuMemory kept = {};
  GpuMemory recomputed = {};
  struct LargestMicro {
    std::optional<std::int64_t> kept = {};
    std::optional<std::int64_t> recomputed = {};
  };
  std::array<LargestMicro, kGpuCards.size()> largest_micro = {};  ///< on each of kGpuCards
};
GpuPlan plan_gpu(const RunConfig& config, const Training& training, std::int64_t num_ranks);

}  // namespace incubate
