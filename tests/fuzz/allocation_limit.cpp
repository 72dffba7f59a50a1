#include "fuzz/allocation_limit.h"

#if defined(__SANITIZE_ADDRESS__) || defined(INCUBATE_FUZZ)

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>

#include <sanitizer/allocator_interface.h>

namespace incubate {
namespace {

constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();
std::atomic<std::int64_t> held = 0;
std::atomic<std::int64_t> most = kNoLimit;

void on_malloc(const volatile void* /*memory*/, std::size_t size) {
  const std::int64_t now = held += static_cast<std::int64_t>(size);
  const std::int64_t limit = most;
  if (now <= limit) return;
  most = kNoLimit;  // what follows asks for memory too
  std::fprintf(stderr, "AllocationLimit: %zu bytes more make %lld held, of at most %lld\n", size,
               static_cast<long long>(now), static_cast<long long>(limit));
  std::abort();
}

void on_free(const volatile void* memory) {
  held -= static_cast<std::int64_t>(__sanitizer_get_allocated_size(const_cast<const void*>(memory)));
}

}  // namespace

AllocationLimit::AllocationLimit(std::size_t bytes) {
  static const int installed = __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
  if (installed == 0) std::abort();
  most = held + static_cast<std::int64_t>(bytes);
}
AllocationLimit::~AllocationLimit() { most = kNoLimit; }

}  // namespace incubate

#else

namespace incubate {

AllocationLimit::AllocationLimit(std::size_t /*bytes*/) {}
AllocationLimit::~AllocationLimit() = default;

}  // namespace incubate

#endif
