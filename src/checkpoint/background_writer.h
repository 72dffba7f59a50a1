#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <thread>

namespace incubate {

/// Writes files on a thread of its own while training goes on. Runs jobs one after the other, in order. While a job
/// runs, no other thread may use HDF5: a serial HDF5 library need not be thread-safe.
class BackgroundWriter {
 public:
  BackgroundWriter();
  /// Finishes all submitted jobs, then ends the thread.
  ~BackgroundWriter();
  BackgroundWriter(const BackgroundWriter&) = delete;
  BackgroundWriter& operator=(const BackgroundWriter&) = delete;

  /// Queues a job and returns at once. The future gives the seconds that the job took, or rethrows the job's exception.
  std::future<double> submit(std::function<void()> job);

 private:
  void work(const std::stop_token& stop);

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::packaged_task<double()>> jobs_;
  std::jthread thread_;  // last, because it uses the members above
};

}  // namespace incubate
