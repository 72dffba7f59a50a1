#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <thread>

namespace incubate {

/// Writes files on a thread of its own while training goes on. Jobs are carried out one after the other, in order.
/// HDF5 belongs to this thread while a job is under way: whoever wants to use it elsewhere waits for the jobs first
/// (a serial HDF5 library need not be thread-safe).
class BackgroundWriter {
 public:
  BackgroundWriter();
  /// Carries out what was submitted, then ends the thread.
  ~BackgroundWriter();
  BackgroundWriter(const BackgroundWriter&) = delete;
  BackgroundWriter& operator=(const BackgroundWriter&) = delete;

  /// Returns at once. The future gives the seconds that the job took, once it is done, or throws what it threw.
  std::future<double> submit(std::function<void()> job);

 private:
  void work(const std::stop_token& stop);

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::packaged_task<double()>> jobs_;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace incubate
