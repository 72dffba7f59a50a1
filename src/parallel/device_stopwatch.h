#pragma once

#include <optional>
#include <utility>

#include <ATen/cuda/CUDAEvent.h>
#include <torch/types.h>

#include "base/stopwatch.h"

namespace incubate {

/// How long a part of a step takes the device: on a GPU between two events of the current stream, so that nothing
/// waits.
class DeviceStopwatch {
 public:
  /// Starts.
  explicit DeviceStopwatch(torch::Device device);

  void stop();
  /// REQUIRES: stop() was called and, on a GPU, what came before it is over.
  double elapsed_s() const;

 private:
  Stopwatch watch_;
  double elapsed_s_ = 0;
  std::optional<std::pair<at::cuda::CUDAEvent, at::cuda::CUDAEvent>> events_;
};

}  // namespace incubate
