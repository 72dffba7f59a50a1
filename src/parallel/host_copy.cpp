#include "parallel/host_copy.h"

#include <c10/cuda/CUDAStream.h>
#include <torch/torch.h>

namespace incubate {

HostCopy::HostCopy(const torch::Tensor& source) {
  const torch::NoGradGuard no_grad;
  if (!source.is_cuda()) {
    values_ = source.clone();
    return;
  }
  values_ = torch::empty(source.sizes(), torch::dtype(source.scalar_type()).pinned_memory(true));
  values_.copy_(source, /*non_blocking=*/true);
  copied_.emplace();
  copied_->record(c10::cuda::getCurrentCUDAStream());
}

}  // namespace incubate
