#pragma once

#include <chrono>
#include <thread>

#include "base/clock.h"

namespace incubate {

/// Waits for a peer without holding the core: yields for a millisecond, then sleeps 20 microseconds per turn.
class IdleWait {
 public:
  void pause() {
    if (watch_.elapsed_s() < 1e-3) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds(20));
    }
  }
  double waited_s() const { return watch_.elapsed_s(); }

 private:
  Stopwatch watch_;
};

}  // namespace incubate
