#pragma once

#include <c10/core/Event.h>
#include <c10/core/Stream.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/types.h>

namespace incubate {

/// Returns the stream of `gpu` that this thread launches on.
inline c10::Stream current_stream(torch::Device gpu) { return c10::impl::VirtualGuardImpl(gpu.type()).getStream(gpu); }

/// Returns another stream of `gpu`, whose kernels have a higher priority.
inline c10::Stream urgent_stream(torch::Device gpu) {
  return c10::impl::VirtualGuardImpl(gpu.type()).getStreamFromGlobalPool(gpu, /*isHighPriority=*/true);
}

/// Makes later work on `then` wait, on the GPU, for the work so far on `first`.
inline void put_in_order(const c10::Stream& first, const c10::Stream& then) {
  c10::Event done(first.device_type());
  done.record(first);
  done.block(then);
}

}  // namespace incubate
