#include "base/resident_set.h"

#include <sys/resource.h>

namespace incubate {

std::int64_t resident_set_peak_bytes() {
  constexpr std::int64_t kKibibyte = 1024;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * kKibibyte;
}

}  // namespace incubate
