#include "checkpoint/background_writer.h"

#include <utility>

#include "base/clock.h"
#include "base/thread.h"

namespace incubate {

BackgroundWriter::BackgroundWriter()
    : thread_(start_thread("the thread that writes checkpoints", [this](const std::stop_token& stop) { work(stop); })) {
}

BackgroundWriter::~BackgroundWriter() = default;  // asks the thread to stop and joins it

std::future<double> BackgroundWriter::submit(std::function<void()> job) {
  std::packaged_task<double()> task([job = std::move(job)] {
    const Stopwatch watch;
    job();
    return watch.elapsed_s();
  });
  std::future<double> done = task.get_future();
  {
    const std::lock_guard held(mutex_);
    jobs_.push_back(std::move(task));
  }
  changed_.notify_one();
  return done;
}

void BackgroundWriter::work(const std::stop_token& stop) {
  while (true) {
    std::packaged_task<double()> job;
    {
      std::unique_lock held(mutex_);
      changed_.wait(held, stop, [this] { return !jobs_.empty(); });
      if (jobs_.empty()) return;  // stop requested and no job left
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job();
  }
}

}  // namespace incubate
