#include "ops/kept_samples.h"

#include <torch/torch.h>

namespace incubate {

KeptSamples keep_samples(const torch::Tensor& factors, torch::Device device) {
  if (!factors.defined()) return {};
  const torch::Tensor all = factors.to(torch::kFloat32);
  const torch::Tensor is_kept = all != 0;
  const torch::Tensor samples = is_kept.nonzero().squeeze(1);
  return {.samples = samples.to(device),
          .places = torch::where(is_kept, is_kept.cumsum(0) - 1, -1).to(device),
          .factors = all.index_select(0, samples).to(device)};
}

}  // namespace incubate
