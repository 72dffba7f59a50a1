#include "base/open_files.h"

#include <algorithm>

#include <sys/resource.h>

namespace incubate {

std::uint64_t raise_open_files() {
  constexpr rlim_t kEnough = 65536;
  struct rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  struct rlimit raised = limit;
  raised.rlim_cur = std::max(limit.rlim_cur, std::min(limit.rlim_max, kEnough));
  if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  return limit.rlim_cur;
}

}  // namespace incubate
