#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "forecast/cost_model.h"

namespace incubate {

// What a rank's GPU must hold, before there is one. What is ours is by formula; the rest are figures that others have
// published, all of them here.

inline constexpr std::int64_t kMiB = std::int64_t{1} << 20;

/// CUDA's context with the kernels that were loaded into it. Processes that ran out of memory held beside what PyTorch
/// had allocated, by its message, 0.49 GiB of an A100 of 40 GB (github.com/TianheWu/CoSeR, issue 10), as much of one of
/// 80 GB (lianqi1008/Control-GIC, issue 6), and 0.95 GiB (vllm-project/compressed-tensors, pull request 587): the most.
inline constexpr std::int64_t kContextBytes = 973 * kMiB;

/// PyTorch gives every thread's cuBLAS handle a workspace, on Hopper of 32 MiB, else of 8.1 (parseChosenWorkspaceSize()
/// and setWorkspaceForHandle() in its aten/src/ATen/cuda/CublasHandlePool.cpp; CUBLAS_WORKSPACE_CONFIG sets another).
/// Two threads have one: the forward pass's and autograd's.
inline constexpr std::int64_t kCublasBytes = 2 * 32 * kMiB;
/// One more for the stream on which passes are recorded as a CUDA graph.
inline constexpr std::int64_t kRecordedCublasBytes = 32 * kMiB;

/// Of a group's NCCL communicator: measured with A100s for all-reductions in groups of more than two (NVIDIA/nccl,
/// issue 964). Two connections of 32 channels come to as much: one takes 10 MiB (issue 1685), for NCCL_BUFFSIZE = 4 MiB
/// and the buffers of the other protocols.
inline constexpr std::int64_t kNcclBytes = 688 * kMiB;

/// Part of what is allocated that PyTorch's allocator cannot use between its blocks. vllm-project/compressed-tensors
/// reserves as much (pull request 587), having seen 1.83 of 75.31 GiB; in the messages above it is 0.49 of 8.27 and
/// 0.89 of 12.87 GiB.
inline constexpr double kFragmentation = 0.05;

/// A GPU by the size on its label, and the bytes that CUDA reports of it, which are fewer than the 40,960, 81,920
/// (A100) and 81,559 MiB (H100) that nvidia-smi shows (modal-labs/modal-client, pull request 2797), since the driver
/// has some: 39.50 GiB (TianheWu/CoSeR, issue 10); 79.11 GiB of an H100 (vllm-project/vllm, issue 27508), 79.14 of an
/// A100 (lianqi1008/Control-GIC, issue 6).
struct GpuCard {
  const char* name;
  std::int64_t bytes;
};
inline constexpr std::array kGpuCards = {GpuCard{"40 GB", 40448 * kMiB}, GpuCard{"80 GB", 81008 * kMiB}};

/// In bytes. Integers are added to exact sums, and means made of them, without temporaries.
struct GpuMemory {
  Memory tensors = {};      ///< as on a CPU, but for the activations
  std::int64_t copies = 0;  ///< in bfloat16, of the weights of products, frozen ones too
  std::int64_t working =
      0;  ///< most at one time beside activations: of a backward pass, of frozen stages, between steps
  std::int64_t libraries = 0;  ///< CUDA's context, cuBLAS, NCCL
  std::int64_t reserve = 0;    ///< for fragmentation

  /// What does not depend on the micro-batch.
  std::int64_t state() const { return tensors.total() - tensors.activations + copies; }
  std::int64_t total() const { return state() + tensors.activations + working + libraries + reserve; }
};

/// Of a rank that carries on `trainings`, all of one phase, as memory_per_rank() has it. A recorded training's passes
/// keep their memory to themselves, with a copy of their input; all others use the same in turn.
GpuMemory gpu_memory_per_rank(const std::vector<const Training*>& trainings, const MemorySettings& settings,
                              Recompute recompute);

/// The largest micro-batch that divides `global_batch` and fits `card`, up to that of `settings`; none: not even 1
/// does.
std::optional<std::int64_t> find_largest_micro(const std::vector<const Training*>& trainings, MemorySettings settings,
                                               Recompute recompute, std::int64_t global_batch, const GpuCard& card);

/// A training on ranks with GPUs, in a group of `num_ranks` with nothing else to train.
struct GpuPlan {
  std::int64_t micro = 0;  ///< as set
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
