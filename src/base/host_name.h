#pragma once

#include <string>

namespace incubate {

/// Returns the name of the host that this process runs on.
std::string host_name();

}  // namespace incubate
