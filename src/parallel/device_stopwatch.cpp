#include "parallel/device_stopwatch.h"

#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>

namespace incubate {

DeviceStopwatch::DeviceStopwatch(torch::Device device) {
  if (!device.is_cuda()) return;
  events_.emplace(cudaEventDefault, cudaEventDefault);  // which take the time
  events_->first.record(c10::cuda::getCurrentCUDAStream());
}

void DeviceStopwatch::stop() {
  elapsed_s_ = watch_.elapsed_s();
  if (events_) events_->second.record(c10::cuda::getCurrentCUDAStream());
}

double DeviceStopwatch::elapsed_s() const {
  constexpr double kMillisecond = 1e-3;
  return events_ ? kMillisecond * events_->first.elapsed_time(events_->second) : elapsed_s_;
}

}  // namespace incubate
