#include "parallel/memory_peak.h"

#include <c10/cuda/CUDACachingAllocator.h>
#include <sys/resource.h>

namespace incubate {
namespace {

constexpr std::int64_t kKibibyte = 1024;

}  // namespace

std::int64_t memory_peak_bytes(torch::Device device) {
  if (device.is_cuda()) {
    namespace allocator = c10::cuda::CUDACachingAllocator;
    const auto all = static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    return allocator::getDeviceStats(device.index()).allocated_bytes[all].peak;
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * kKibibyte;
}

}  // namespace incubate
