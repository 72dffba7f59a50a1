#pragma once

#include <cstdint>

namespace incubate {

/// The samples of one forward pass. Only the task that makes them knows what else is in it.
struct Batch {
  explicit Batch(std::int64_t its_size) : size(its_size) {}
  virtual ~Batch() = default;
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  const std::int64_t size;
};

}  // namespace incubate
