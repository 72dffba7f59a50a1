#pragma once

#include <span>
#include <vector>

#include <torch/types.h>

namespace incubate {

/// Of a micro-batch of N samples those, S in number, for which a residual branch is computed; on its device. With all
/// tensors undefined: every sample, as it is.
struct KeptSamples {
  torch::Tensor samples;         ///< (S) int64, ascending
  torch::Tensor places;          ///< (N) int64: where each sample is among those kept, or -1
  torch::Tensor factors;         ///< (S) float: what each kept sample's branch is multiplied by
  torch::Tensor factors_of_all;  ///< (N) float: the same of every sample, 0 where it is dropped

  bool has_all() const { return !samples.defined(); }
  bool has_none() const { return samples.defined() && samples.numel() == 0; }
};

/// Two entries for each block, its branches in their order; or none: every sample of every branch, as it is.
using KeptBranches = std::span<const KeptSamples>;
/// Returns the entries of `num_blocks` blocks from `first_block` on.
KeptBranches branches_of(KeptBranches kept, std::int64_t first_block, std::int64_t num_blocks);

/// Returns, for each row of `factors`, the samples whose factor is not 0, on `device`. `factors` is (..., N), on the
/// CPU; undefined: no entries. Everything goes to a GPU in one copy from page-locked memory, for which nothing waits.
std::vector<KeptSamples> keep_samples(const torch::Tensor& factors, torch::Device device);

}  // namespace incubate
