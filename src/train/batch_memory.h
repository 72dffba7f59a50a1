#pragma once

#include <memory_resource>

#include <torch/types.h>

namespace incubate {

/// What batches for `device` lie in: page-locked memory if it is a GPU, which copies from there by itself while the
/// program goes on (to_tensors() does so), else the heap. Any thread may use it; it lives as long as the program.
std::pmr::memory_resource* batch_memory(torch::Device device);

}  // namespace incubate
