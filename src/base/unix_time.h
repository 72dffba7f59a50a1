#pragma once

#include <chrono>

namespace incubate {

/// Returns seconds since the Unix epoch, from the clock that hosts share.
inline double unix_now_s() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace incubate
