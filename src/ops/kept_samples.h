#pragma once

#include <span>
#include <vector>

#include <torch/types.h>

namespace incubate {

/// The S samples of a micro-batch of N for which a residual branch is computed, on its device. With undefined tensors:
/// all samples, with a factor of 1.
struct KeptSamples {
  torch::Tensor samples;              ///< (S) int64, ascending
  torch::Tensor places;               ///< (N) int64: each sample's index among the kept ones, or -1
  torch::Tensor factors;              ///< (S) float: factor of each kept sample's branch
  torch::Tensor factors_of_all = {};  ///< (N) float: the same for every sample, 0 where dropped

  bool has_all() const { return !samples.defined(); }
  bool has_none() const { return samples.defined() && samples.numel() == 0; }
};

/// Two entries for each block, in the order of its branches. Empty: all samples of every branch, with a factor of 1.
using KeptBranches = std::span<const KeptSamples>;
/// Returns the entries of `num_blocks` blocks from `first_block` on.
KeptBranches branches_of(KeptBranches kept, std::int64_t first_block, std::int64_t num_blocks);

/// Returns, for each row of `factors`, the samples whose factor is not 0, on `device`. `factors` is (..., N) on the
/// CPU; undefined gives no entries. A GPU gets everything in one asynchronous copy from page-locked memory.
std::vector<KeptSamples> keep_samples(const torch::Tensor& factors, torch::Device device);

}  // namespace incubate
