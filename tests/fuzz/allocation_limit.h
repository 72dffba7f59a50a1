#pragma once

#include <cstddef>

namespace incubate {

/// While one lives, this process may hold `bytes` more than it did before: one byte too many ends it, where it is asked
/// for. Counts every malloc and new, those of libraries too, in builds with AddressSanitizer; in others it does nothing
/// (replay.cpp then limits the process as a whole). One at a time.
class AllocationLimit {
 public:
  explicit AllocationLimit(std::size_t bytes);
  ~AllocationLimit();
  AllocationLimit(const AllocationLimit&) = delete;
  AllocationLimit& operator=(const AllocationLimit&) = delete;
};

}  // namespace incubate
