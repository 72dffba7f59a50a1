#include "run/choose_device.h"

namespace incubate {

AvailableDevice choose_device(DeviceChoice choice, const Communicator& world) {
  if (choice == DeviceChoice::cpu) return {.device = torch::kCPU};
  return choice == DeviceChoice::cuda ? AvailableDevice{.device = require_gpu(world)} : gpu_if_all_have_one(world);
}

}  // namespace incubate
