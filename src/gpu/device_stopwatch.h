#pragma once

#include <optional>
#include <utility>

#include <c10/core/Event.h>
#include <torch/types.h>

#include "base/clock.h"

namespace incubate {

/// Measures the device's time for a part of a step. On a GPU this is the time between two events of the current stream,
/// so no thread waits.
class DeviceStopwatch {
 public:
  /// Starts the measurement.
  explicit DeviceStopwatch(torch::Device device);

  void stop();
  /// Returns the seconds until stop(). REQUIRES: stop() was called and, on a GPU, the work before it is complete.
  double elapsed_s() const;

 private:
  torch::Device device_;
  Stopwatch watch_;
  double elapsed_s_ = 0;
  std::optional<std::pair<c10::Event, c10::Event>> events_;
};

}  // namespace incubate
