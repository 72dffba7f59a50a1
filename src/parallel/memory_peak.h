#pragma once

#include <cstdint>

#include <torch/types.h>

namespace incubate {

/// Returns the largest memory in bytes that this process has held so far. On the CPU it is the resident set
/// (getrusage), including libraries and mapped files; on a GPU the memory handed out by LibTorch's allocator.
std::int64_t memory_peak_bytes(torch::Device device);

}  // namespace incubate
