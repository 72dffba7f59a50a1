#pragma once

#include <ATen/cuda/CUDAEvent.h>
#include <c10/cuda/CUDAStream.h>

namespace incubate {

/// Makes work given to `then` from now on wait, on the GPU, for work already given to `first`.
inline void put_in_order(const c10::cuda::CUDAStream& first, const c10::cuda::CUDAStream& then) {
  at::cuda::CUDAEvent done;
  done.record(first);
  done.block(then);
}

}  // namespace incubate
