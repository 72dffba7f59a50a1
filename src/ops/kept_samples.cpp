#include "ops/kept_samples.h"

#include <torch/torch.h>

namespace incubate {

KeptSamples keep_samples(const torch::Tensor& factors) {
  if (!factors.defined()) return {};
  const torch::Tensor all = factors.to(torch::kFloat32);
  const torch::Tensor is_kept = all != 0;
  const torch::Tensor samples = is_kept.nonzero().squeeze(1);
  return {.samples = samples,
          .places = torch::where(is_kept, is_kept.cumsum(0) - 1, -1),
          .factors = all.index_select(0, samples)};
}

}  // namespace incubate
