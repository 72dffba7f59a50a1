#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace incubate {

/// A call of an operator, or a range of code that has a name, as a profiler saw it on the CPU. Calls of one thread are
/// nested or apart.
struct OperatorCall {
  std::string name;
  std::uint64_t thread = 0;
  std::int64_t begin_ns = 0;
  std::int64_t duration_ns = 0;
  std::int64_t device_ns = 0;  ///< of kernels on a GPU that it launched itself
};

/// All calls of one name.
struct OperatorRow {
  std::string name;
  std::int64_t num_calls = 0;
  std::int64_t total_ns = 0;  ///< with what it calls; a call within one of the same name counts once
  std::int64_t self_ns = 0;   ///< without what it calls
  std::int64_t device_ns = 0;
};

/// A row for each name, the largest `self_ns` plus `device_ns` first.
std::vector<OperatorRow> sum_by_operator(std::vector<OperatorCall> calls);

/// A line for each row, times in milliseconds and as part of the sums over all rows; those of a device if there are
/// any.
std::string format_operators(const std::vector<OperatorRow>& rows);

}  // namespace incubate
