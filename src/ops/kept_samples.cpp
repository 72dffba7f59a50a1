#include "ops/kept_samples.h"

#include <algorithm>

#include <torch/torch.h>

namespace incubate {
namespace {

/// Returns a branch's tensors, views of a buffer (3, N) int64: samples, places, and two rows of float in the third.
KeptSamples parts_of(const torch::Tensor& buffer, std::int64_t num_kept) {
  const std::int64_t num_samples = buffer.size(1);
  const torch::Tensor floats = buffer[2].view(torch::kFloat32);
  return {.samples = buffer[0].narrow(0, 0, num_kept),
          .places = buffer[1],
          .factors = floats.narrow(0, num_samples, num_kept),
          .factors_of_all = floats.narrow(0, 0, num_samples)};
}

/// Fills a branch's buffer, on the CPU, and returns the number of samples that it keeps.
std::int64_t write_branch(std::span<const float> factors, const torch::Tensor& buffer) {
  const KeptSamples parts = parts_of(buffer, std::ssize(factors));
  auto* samples = parts.samples.data_ptr<std::int64_t>();
  auto* places = parts.places.data_ptr<std::int64_t>();
  auto* kept_factors = parts.factors.data_ptr<float>();
  std::ranges::copy(factors, parts.factors_of_all.data_ptr<float>());
  std::int64_t num_kept = 0;
  for (std::int64_t i = 0; i < std::ssize(factors); ++i) {
    places[i] = factors[i] == 0 ? -1 : num_kept;
    if (factors[i] == 0) continue;
    samples[num_kept] = i;
    kept_factors[num_kept++] = factors[i];
  }
  return num_kept;
}

}  // namespace

KeptBranches branches_of(KeptBranches kept, std::int64_t first_block, std::int64_t num_blocks) {
  if (kept.empty()) return kept;
  TORCH_INTERNAL_ASSERT(2 * (first_block + num_blocks) <= std::ssize(kept));
  return kept.subspan(2 * first_block, 2 * num_blocks);
}

std::vector<KeptSamples> keep_samples(const torch::Tensor& factors, torch::Device device) {
  if (!factors.defined()) return {};
  const std::int64_t num_samples = factors.size(-1);
  const torch::Tensor rows = factors.to(torch::kFloat32).contiguous().view({-1, num_samples});
  const torch::Tensor buffers =
      torch::empty({rows.size(0), 3, num_samples}, torch::dtype(torch::kInt64).pinned_memory(device.is_cuda()));
  std::vector<std::int64_t> num_kept;
  for (std::int64_t i = 0; i < rows.size(0); ++i) {
    num_kept.push_back(write_branch({rows[i].data_ptr<float>(), static_cast<std::size_t>(num_samples)}, buffers[i]));
  }
  const torch::Tensor on_device = buffers.to(device, /*non_blocking=*/true);
  std::vector<KeptSamples> kept;
  for (std::int64_t i = 0; i < rows.size(0); ++i) kept.push_back(parts_of(on_device[i], num_kept[i]));
  return kept;
}

}  // namespace incubate
