#pragma once

#include <cstdint>
#include <memory_resource>

#include <torch/types.h>

namespace incubate {

/// The most memory in bytes that this process has held so far: on the CPU its resident set (getrusage: libraries and
/// whatever it maps included), on a GPU what LibTorch's allocator had handed out there.
std::int64_t memory_peak_bytes(torch::Device device);

/// Gives a GPU's memory back that LibTorch's allocator holds without a use; on the CPU nothing.
void release_cached_memory(torch::Device device);

/// The same, and memory_peak_bytes() of a GPU begins anew.
void forget_memory_peak(torch::Device device);

/// What batches for `device` lie in: page-locked memory if it is a GPU, which copies from there by itself while the
/// program goes on (Task::to_device() does so), else the heap. Any thread may use it; it lives as long as the program.
std::pmr::memory_resource* batch_memory(torch::Device device);

}  // namespace incubate
