#pragma once

#include <torch/types.h>

namespace incubate::cpu {

// Autograd functions accept only defined tensors, so an empty tensor stands for a missing input.

inline torch::Tensor or_empty(const torch::Tensor& tensor) {
  static const torch::Tensor empty = torch::empty({0});
  return tensor.defined() ? tensor : empty;
}

inline torch::Tensor or_undefined(const torch::Tensor& input) { return input.numel() > 0 ? input : torch::Tensor(); }

}  // namespace incubate::cpu
