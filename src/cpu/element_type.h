#pragma once

#include <torch/types.h>

#include "cpu/kernels/bfloat16.h"

namespace incubate::cpu {

/// Calls `function` with a float or a Bfloat16, the element type that `type` names.
template <typename Function>
void with_element_of(at::ScalarType type, const Function& function) {
  if (type == torch::kBFloat16) {
    function(Bfloat16{});
  } else {
    TORCH_INTERNAL_ASSERT(type == torch::kFloat32);
    function(float{});
  }
}

/// Returns the elements, or null if the tensor is undefined. REQUIRES: contiguous.
template <typename T>
T* elements_of(const torch::Tensor& tensor) {
  if (!tensor.defined()) return nullptr;
  TORCH_INTERNAL_ASSERT(tensor.is_contiguous() && tensor.element_size() == sizeof(T));
  return static_cast<T*>(tensor.data_ptr());
}

}  // namespace incubate::cpu
