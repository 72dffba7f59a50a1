#pragma once

#include <cstdint>

#include <torch/types.h>

namespace incubate {

/// The most memory in bytes that this process has held so far: on the CPU its resident set (getrusage: libraries and
/// whatever it maps included), on a GPU what LibTorch's allocator had handed out there.
std::int64_t memory_peak_bytes(torch::Device device);

}  // namespace incubate
