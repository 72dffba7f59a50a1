#pragma once

#include "config/run_config.h"
#include "parallel/device.h"

namespace incubate {

/// Returns the device of this rank that `choice` (run.device) asks for. Throws AgreedInputError. Collective over
/// `world`.
AvailableDevice choose_device(DeviceChoice choice, const Communicator& world);

}  // namespace incubate
