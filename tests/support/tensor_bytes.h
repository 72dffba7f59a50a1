#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>

#include <c10/core/Allocator.h>

namespace incubate {

/// Counts the memory of CPU tensors allocated since construction.
class TensorBytes : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void* /*memory*/, std::int64_t change, std::size_t /*allocated*/, std::size_t /*reserved*/,
                         c10::Device /*device*/) override {
    now_ += change;
    peak_ = std::max(peak_, now_);
  }
  bool memoryProfilingEnabled() const override { return true; }

  std::int64_t now() const { return now_; }
  std::int64_t peak() const { return peak_; }

  /// Calls `function` with a counter of everything that this thread, and its backward passes, allocate and free
  /// meanwhile.
  static void count(const std::function<void(const TensorBytes&)>& function) {
    const auto bytes = std::make_shared<TensorBytes>();
    const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, bytes);
    function(*bytes);
  }

 private:
  std::int64_t now_ = 0;
  std::int64_t peak_ = 0;
};

}  // namespace incubate
