#include "gpu/device_stopwatch.h"

#include "gpu/streams.h"

namespace incubate {

DeviceStopwatch::DeviceStopwatch(torch::Device device) : device_(device) {
  if (!device.is_cuda()) return;
  const auto event = [&] { return c10::Event(device.type(), c10::EventFlag::BACKEND_DEFAULT); };  // with timing
  events_.emplace(event(), event());
  events_->first.record(current_stream(device_));
}

void DeviceStopwatch::stop() {
  elapsed_s_ = watch_.elapsed_s();
  if (events_) events_->second.record(current_stream(device_));
}

double DeviceStopwatch::elapsed_s() const {
  constexpr double kMillisecond = 1e-3;
  return events_ ? kMillisecond * events_->first.elapsedTime(events_->second) : elapsed_s_;
}

}  // namespace incubate
