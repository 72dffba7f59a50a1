#pragma once

#include <cstdint>
#include <memory_resource>

#include <torch/types.h>

namespace incubate {

/// Returns the peak memory of this process in bytes: the resident set on a CPU (getrusage, with libraries and mapped
/// files), the allocations of LibTorch's allocator on a GPU.
std::int64_t memory_peak_bytes(torch::Device device);

/// Returns unused memory of LibTorch's allocator to the GPU; does nothing on the CPU.
void release_cached_memory(torch::Device device);

/// Does the same and resets a GPU's memory_peak_bytes().
void forget_memory_peak(torch::Device device);

/// Returns the memory for batches that go to `device`: page-locked for a GPU, so that copies run while the program goes
/// on (Task::to_device()), else the heap. Any thread may use it. It lives as long as the program.
std::pmr::memory_resource* batch_memory(torch::Device device);

}  // namespace incubate
