#include "gpu/host_copy.h"

#include <torch/torch.h>

#include "gpu/streams.h"

namespace incubate {

HostCopy::HostCopy(const torch::Tensor& source) {
  const torch::NoGradGuard no_grad;
  if (!source.is_cuda()) {
    values_ = source.clone();
    return;
  }
  values_ = torch::empty(source.sizes(), torch::dtype(source.scalar_type()).pinned_memory(true));
  values_.copy_(source, /*non_blocking=*/true);
  copied_.emplace(source.device().type());
  copied_->record(current_stream(source.device()));
}

}  // namespace incubate
