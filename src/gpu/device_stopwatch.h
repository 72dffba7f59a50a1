#pragma once

#include <optional>
#include <utility>

#include <c10/core/Event.h>
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
  torch::Device device_;
  Stopwatch watch_;
  double elapsed_s_ = 0;
  std::optional<std::pair<c10::Event, c10::Event>> events_;
};

}  // namespace incubate
