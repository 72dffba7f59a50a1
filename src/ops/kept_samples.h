#pragma once

#include <torch/types.h>

namespace incubate {

/// Of a micro-batch of N samples those, S in number, for which a residual branch is computed; on its device. With all
/// tensors undefined: every sample, as it is.
struct KeptSamples {
  torch::Tensor samples;  ///< (S) int64, ascending
  torch::Tensor places;   ///< (N) int64: where each sample is among those kept, or -1
  torch::Tensor factors;  ///< (S) float: what each sample's branch is multiplied by

  bool has_all() const { return !samples.defined(); }
  bool has_none() const { return samples.defined() && samples.numel() == 0; }
};

/// Those whose factor is not 0, on `device`. `factors` is (N), on the CPU, or undefined: 1 for all.
KeptSamples keep_samples(const torch::Tensor& factors, torch::Device device);

}  // namespace incubate
