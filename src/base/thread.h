#pragma once

#include <cstdint>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace incubate {

/// Throws std::runtime_error: `what` could not be started, the system's reason, and the limit of processes.
[[noreturn]] void reject_thread(const std::string& what, const std::error_code& reason);

/// Starts a thread for `what`, such as "thread 3 of data.workers=8". Throws as reject_thread() does.
template <typename Function>
std::jthread start_thread(const std::string& what, Function&& function) {
  try {
    return std::jthread(std::forward<Function>(function));
  } catch (const std::system_error& error) {
    reject_thread(what, error.code());
  }
}

/// Starts and ends `count` threads at once, for libraries that end the process where they cannot start one. Throws as
/// start_thread() does.
void try_threads(const std::string& what, std::int64_t count);

}  // namespace incubate
