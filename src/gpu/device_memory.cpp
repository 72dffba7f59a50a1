#include "gpu/device_memory.h"

#include <cstddef>
#include <mutex>
#include <unordered_map>
#include <utility>

#include <ATen/core/CachingHostAllocator.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/util/Exception.h>

#include "base/process.h"

namespace incubate {
namespace {

namespace allocator = c10::cuda::CUDACachingAllocator;

/// PyTorch's cache of page-locked memory. PyTorch tracks copies by address, and reuses freed memory only after the
/// copies from it are complete.
class PageLockedMemory : public std::pmr::memory_resource {
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    TORCH_INTERNAL_ASSERT(alignment <= alignof(std::max_align_t));
    at::DataPtr block = at::getHostAllocator(at::kCUDA)->allocate(bytes);
    void* address = block.get();
    const std::lock_guard lock(mutex_);
    blocks_.emplace(address, std::move(block));
    return address;
  }

  void do_deallocate(void* address, std::size_t /*bytes*/, std::size_t /*alignment*/) override {
    const std::lock_guard lock(mutex_);
    blocks_.erase(address);
  }

  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  std::mutex mutex_;
  std::unordered_map<void*, at::DataPtr> blocks_;
};

}  // namespace

std::int64_t memory_peak_bytes(torch::Device device) {
  if (!device.is_cuda()) return resident_set_peak_bytes();
  const auto all = static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  return allocator::getDeviceStats(device.index()).allocated_bytes[all].peak;
}

void release_cached_memory(torch::Device device) {
  if (device.is_cuda()) allocator::emptyCache();
}

void forget_memory_peak(torch::Device device) {
  release_cached_memory(device);
  if (device.is_cuda()) allocator::resetPeakStats(device.index());
}

std::pmr::memory_resource* batch_memory(torch::Device device) {
  if (!device.is_cuda()) return std::pmr::get_default_resource();
  static auto* const memory =
      new PageLockedMemory;  // NOLINT(cppcoreguidelines-owning-memory): CUDA may be gone at exit
  return memory;
}

}  // namespace incubate
