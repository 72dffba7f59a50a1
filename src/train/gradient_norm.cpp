#include "train/gradient_norm.h"

#include <algorithm>

#include <torch/torch.h>

namespace incubate {
namespace {

torch::Tensor block_norms(const torch::Tensor& values) {
  const std::int64_t num_whole = values.numel() / kChunkBlock;
  const torch::Tensor blocks = values.narrow(0, 0, num_whole * kChunkBlock).view({num_whole, kChunkBlock});
  const torch::Tensor rest = values.narrow(0, num_whole * kChunkBlock, values.numel() % kChunkBlock);
  return torch::cat({at::linalg_vector_norm(blocks, 2, {{1}}), at::linalg_vector_norm(rest, 2).view({1})});
}

}  // namespace

torch::Tensor gradient_norm(const torch::Tensor& gradients, std::int64_t size, ProcessGroup& group, bool is_shared,
                            const std::string& what) {
  const torch::NoGradGuard no_grad;
  torch::Tensor norms;
  if (is_shared) {
    const Share chunk = group.chunk(gradients);
    const std::int64_t begin = std::min(chunk.begin, size);
    const torch::Tensor own = block_norms(gradients.narrow(0, begin, std::min(chunk.end, size) - begin));
    norms = torch::zeros({(size / kChunkBlock) + 1}, gradients.options());
    const std::int64_t num_own = std::min(own.numel(), norms.numel() - (begin / kChunkBlock));
    norms.narrow(0, begin / kChunkBlock, num_own).copy_(own.narrow(0, 0, num_own));
    group.all_reduce_sum(norms, what);
  } else {
    norms = block_norms(gradients.narrow(0, 0, size));
  }
  return norms.to(torch::kFloat64).norm();
}

}  // namespace incubate
