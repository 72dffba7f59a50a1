#include "base/thread.h"

#include <chrono>
#include <stdexcept>
#include <vector>

#include <fmt/format.h>
#include <sys/resource.h>

namespace incubate {

void reject_thread(const std::string& what, const std::error_code& reason) {
  struct rlimit limit = {};
  const bool is_limited = ::getrlimit(RLIMIT_NPROC, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
  throw std::runtime_error(fmt::format(
      "{} cannot be started: {}. The user may have {} processes and threads (ulimit -u), and a job may be allowed "
      "fewer. Give smaller data.workers and run.threads, start fewer ranks a node, or raise the limit.",
      what, reason.message(), is_limited ? fmt::format("{}", limit.rlim_cur) : "any number of"));
}

void try_threads(const std::string& what, std::int64_t count) {
  std::vector<std::jthread> threads;
  for (std::int64_t i = 0; i < count; ++i) {
    threads.push_back(start_thread(what, [](const std::stop_token& stop) {
      while (!stop.stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }));
  }
}

}  // namespace incubate
