#pragma once

namespace incubate {

/// Marks this thread's operators, parts of a step, and their backward passes as NVTX ranges while it lives. NVIDIA
/// Nsight Systems shows them beside the kernels. REQUIRES: there is a GPU, and no profiler on this thread.
class NvtxRanges {
 public:
  NvtxRanges();
  ~NvtxRanges();
  NvtxRanges(const NvtxRanges&) = delete;
  NvtxRanges& operator=(const NvtxRanges&) = delete;
};

}  // namespace incubate
