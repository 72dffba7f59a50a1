#include "data/prefetcher.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/thread.h"

namespace incubate {

Prefetcher::Prefetcher(const PrefetchOptions& options, Plan plan, Next next)
    : options_(options), plan_(std::move(plan)), next_(std::move(next)) {
  for (std::int64_t i = 0; i < options.workers; ++i) {
    workers_.push_back(start_thread(fmt::format("thread {} of data.workers={}", i + 1, options.workers),
                                    [this](const std::stop_token& stop) { work(stop); }));
  }
}

Prefetcher::~Prefetcher() {
  for (std::jthread& worker : workers_) worker.request_stop();
}

/// Allocates all of the batch's memory here, on the loading thread.
Prefetcher::Pending::Pending(const BatchPlace& its_place, BatchPlan its_plan, std::pmr::memory_resource* memory)
    : place(its_place),
      plan(std::move(its_plan)),
      batch{.size = plan.size,
            .images = std::pmr::vector<float>(plan.size * plan.image_values, memory),
            .labels = std::pmr::vector<std::int64_t>(plan.size, memory),
            .other_labels = std::pmr::vector<std::int64_t>(memory),
            .raw = RawImages(memory)},
      images_left(plan.size) {
  if (plan.finish) batch.other_labels.reserve(plan.size);
  if (plan.prepare) plan.prepare(batch);
}

Batch Prefetcher::load(const BatchPlace& place) {
  Lock lock(mutex_);
  if (!queue_.empty() && queue_.front()->place != place) queue_.clear();
  lock.unlock();
  if (queue_.empty()) enqueue(place);  // only this thread changes the queue
  fill_queue();
  lock.lock();
  const std::shared_ptr<Pending> front = queue_.front();
  while (front->next_image < front->plan.size) make_one(front, lock);
  is_done_.wait(lock, [&front] { return front->is_done; });
  queue_.pop_front();
  lock.unlock();
  if (front->error) std::rethrow_exception(front->error);
  return std::move(front->batch);
}

void Prefetcher::enqueue(const BatchPlace& place) {
  auto pending = std::make_shared<Pending>(place, plan_(place), options_.memory);
  const Lock lock(mutex_);
  queue_.push_back(std::move(pending));
  has_work_.notify_all();
}

void Prefetcher::fill_queue() {
  if (workers_.empty()) return;
  while (static_cast<std::int64_t>(queue_.size()) < options_.depth + 1) {
    const std::optional<BatchPlace> place = next_(queue_.back()->place);
    if (!place) return;
    enqueue(*place);
  }
}

std::shared_ptr<Prefetcher::Pending> Prefetcher::find_work() {
  const auto found =
      std::ranges::find_if(queue_, [](const auto& pending) { return pending->next_image < pending->plan.size; });
  return found == queue_.end() ? nullptr : *found;
}

void Prefetcher::work(const std::stop_token& stop) {
  Lock lock(mutex_);
  while (!stop.stop_requested()) {
    std::shared_ptr<Pending> pending;
    has_work_.wait(lock, stop, [&] { return (pending = find_work()) != nullptr; });
    if (pending != nullptr && !stop.stop_requested()) make_one(pending, lock);
  }
}

/// Makes the next image, and finishes the batch after the last image. Releases `lock` during the work.
void Prefetcher::make_one(const std::shared_ptr<Pending>& pending, Lock& lock) {
  const std::int64_t k = pending->next_image++;
  const auto make = [&](const auto& call) {
    lock.unlock();
    std::exception_ptr error;
    try {
      call();
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    if (error && !pending->error) pending->error = error;
  };
  make([&] { pending->plan.make_image(pending->batch, k); });
  if (--pending->images_left > 0) return;
  if (pending->plan.finish && !pending->error) make([&] { pending->plan.finish(pending->batch); });
  pending->is_done = true;
  is_done_.notify_all();
}

}  // namespace incubate
