#pragma once

namespace incubate {

/// While it lives, operators and parts of a step that this thread calls, and their backward passes, are NVTX ranges,
/// which NVIDIA Nsight Systems shows beside the kernels. REQUIRES: there is a GPU, and no profiler on this thread.
class NvtxRanges {
 public:
  NvtxRanges();
  ~NvtxRanges();
  NvtxRanges(const NvtxRanges&) = delete;
  NvtxRanges& operator=(const NvtxRanges&) = delete;
};

}  // namespace incubate
