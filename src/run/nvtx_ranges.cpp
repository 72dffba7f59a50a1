#include "run/nvtx_ranges.h"

#include <torch/csrc/autograd/profiler_kineto.h>

namespace incubate {

namespace profiler = torch::autograd::profiler;

NvtxRanges::NvtxRanges() {
  profiler::enableProfiler(
      profiler::ProfilerConfig(profiler::ProfilerState::NVTX), {},
      {at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION, at::RecordScope::USER_SCOPE});
}

NvtxRanges::~NvtxRanges() { profiler::disableProfiler(); }

}  // namespace incubate
