#pragma once

#include <ATen/cuda/CUDAEvent.h>
#include <c10/cuda/CUDAStream.h>

namespace incubate {

/// What `then` is given from now on waits, on the GPU, for what `first` has been given so far.
inline void put_in_order(const c10::cuda::CUDAStream& first, const c10::cuda::CUDAStream& then) {
  at::cuda::CUDAEvent done;
  done.record(first);
  done.block(then);
}

}  // namespace incubate
