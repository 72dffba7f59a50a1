#pragma once

#include <cstddef>

namespace incubate {

/// Limits this process to `bytes` more than it held at construction. An allocation beyond the limit ends the process.
/// In builds with AddressSanitizer it counts every malloc and new, those of libraries too. In other builds it does
/// nothing (replay.cpp then limits the whole process). Only one may live at a time.
class AllocationLimit {
 public:
  explicit AllocationLimit(std::size_t bytes);
  ~AllocationLimit();
  AllocationLimit(const AllocationLimit&) = delete;
  AllocationLimit& operator=(const AllocationLimit&) = delete;
};

}  // namespace incubate
