#include "data/loader.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/thread.h"

namespace incubate {

Loader::Loader(std::unique_ptr<const SampleMaker> maker, std::unique_ptr<Sampler> sampler, const LoaderOptions& options)
    : maker_(std::move(maker)),
      sampler_(std::move(sampler)),
      options_(options),
      damaged_(options.on_error, maker_->num_samples()) {
  for (std::int64_t i = 0; i < options.workers; ++i) {
    workers_.push_back(start_thread(fmt::format("thread {} of data.workers={}", i + 1, options.workers),
                                    [this](const std::stop_token& stop) { work(stop); }));
  }
}

Loader::~Loader() {
  for (std::jthread& worker : workers_) worker.request_stop();
}

std::unique_ptr<Batch> Loader::load(const BatchPlace& place) {
  const Stopwatch watch;
  Lock lock(mutex_);
  if (!queue_.empty() && queue_.front()->place != place) queue_.clear();
  lock.unlock();
  if (queue_.empty()) enqueue(place);  // only this thread changes the queue
  fill_queue();
  lock.lock();
  const std::shared_ptr<Pending> front = queue_.front();
  while (front->next_sample < std::ssize(front->samples)) make_one(front, lock);
  is_done_.wait(lock, [&front] { return front->samples_left == 0; });
  queue_.pop_front();
  lock.unlock();
  waited_s_ += watch.elapsed_s();
  for (const std::string& message : damaged_.take_messages()) {
    if (options_.warn) options_.warn(message);
  }
  if (front->error) std::rethrow_exception(front->error);
  return std::move(front->batch);
}

void Loader::enqueue(const BatchPlace& place) {
  std::vector<Sample> samples = sampler_->samples(place);
  std::unique_ptr<Batch> batch = maker_->begin(place, samples, options_.memory);
  auto pending = std::make_shared<Pending>(place, std::move(samples), std::move(batch));
  const Lock lock(mutex_);
  queue_.push_back(std::move(pending));
  has_work_.notify_all();
}

void Loader::fill_queue() {
  if (workers_.empty()) return;
  while (std::ssize(queue_) < options_.depth + 1) {
    const std::optional<BatchPlace> place = sampler_->next(queue_.back()->place);
    if (!place) return;
    enqueue(*place);
  }
}

std::shared_ptr<Loader::Pending> Loader::find_work() {
  const auto found = std::ranges::find_if(
      queue_, [](const auto& pending) { return pending->next_sample < std::ssize(pending->samples); });
  return found == queue_.end() ? nullptr : *found;
}

void Loader::work(const std::stop_token& stop) {
  Lock lock(mutex_);
  while (!stop.stop_requested()) {
    std::shared_ptr<Pending> pending;
    has_work_.wait(lock, stop, [&] { return (pending = find_work()) != nullptr; });
    if (pending != nullptr && !stop.stop_requested()) make_one(pending, lock);
  }
}

/// Makes the next sample. Releases `lock` during the work.
void Loader::make_one(const std::shared_ptr<Pending>& pending, Lock& lock) {
  const std::int64_t k = pending->next_sample++;
  std::exception_ptr error;
  lock.unlock();
  try {
    Sample sample = pending->samples[k];
    damaged_.use(sample.index, [&](std::int64_t index) {
      sample.index = index;
      maker_->make(*pending->batch, k, sample);
    });
  } catch (...) {
    error = std::current_exception();
  }
  lock.lock();
  if (error && !pending->error) pending->error = error;
  if (--pending->samples_left == 0) is_done_.notify_all();
}

}  // namespace incubate
