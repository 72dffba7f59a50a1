#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace incubate {

/// Notes that a rank sends to its group with each step's reduction, or the sum of all ranks' notes.
struct StepNotes {
  std::int64_t stop = 0;                                ///< ranks that request a stop after the step
  std::int64_t save = 0;                                ///< ranks that request a checkpoint after the step
  std::int64_t data_wait_ns = 0;                        ///< time spent waiting for the step's images
  std::int64_t memory_peak_bytes = 0;                   ///< peak memory so far
  std::optional<std::int64_t> communication_wait_ns{};  ///< for an earlier step; set on all ranks, or on none

  static constexpr std::int64_t kSize = 5;
  /// Returns the notes as integers, which can be summed over ranks.
  std::array<std::int64_t, kSize> pack() const {
    return {stop, save, data_wait_ns, memory_peak_bytes, communication_wait_ns.value_or(-1)};
  }
  static StepNotes unpack(const std::array<std::int64_t, kSize>& sums) {
    return {sums[0], sums[1], sums[2], sums[3], sums[4] < 0 ? std::nullopt : std::optional(sums[4])};
  }
};

}  // namespace incubate
