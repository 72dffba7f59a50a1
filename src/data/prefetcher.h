#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "data/batch.h"
#include "data/sampler.h"

namespace incubate {

struct PrefetchOptions {
  std::int64_t workers = 0;  ///< threads besides the loading one; 0: the loading thread makes each batch when asked
  std::int64_t depth = 2;    ///< batches made ahead by workers
  /// Allocates batches and outlives them. Only the loading thread allocates; any thread frees.
  std::pmr::memory_resource* memory = std::pmr::get_default_resource();
};

/// Makes batches ahead of their use. A batch is a function of its place alone, for any number of workers. The order of
/// requests is guessed; a wrong guess only costs time. Memory is bounded by depth + 1 batches.
class Prefetcher {
 public:
  using Plan = std::function<BatchPlan(const BatchPlace& place)>;
  /// Returns the place likely to be requested next; nothing at the end.
  using Next = std::function<std::optional<BatchPlace>(const BatchPlace& place)>;

  /// `plan` and `next` run on the thread that calls load(). The functions of a BatchPlan run on any thread.
  Prefetcher(const PrefetchOptions& options, Plan plan, Next next);
  /// Waits for images in progress and drops them.
  ~Prefetcher();
  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;

  /// Returns the batch at `place`, after helping to make it. Rethrows the error of an image that failed.
  Batch load(const BatchPlace& place);

 private:
  struct Pending {
    Pending(const BatchPlace& its_place, BatchPlan its_plan, std::pmr::memory_resource* memory);

    BatchPlace place;
    BatchPlan plan;
    Batch batch;
    std::int64_t next_image = 0;  // first image that no thread has taken
    std::int64_t images_left;
    std::exception_ptr error = {};
    bool is_done = false;
  };
  using Lock = std::unique_lock<std::mutex>;

  void enqueue(const BatchPlace& place);
  void fill_queue();
  void work(const std::stop_token& stop);
  std::shared_ptr<Pending> find_work();
  void make_one(const std::shared_ptr<Pending>& pending, Lock& lock);

  PrefetchOptions options_;
  Plan plan_;
  Next next_;
  std::mutex mutex_;  // guards the queue and its batches, except images in progress
  std::condition_variable_any has_work_;
  std::condition_variable is_done_;
  std::deque<std::shared_ptr<Pending>> queue_;  // the front is requested next
  std::vector<std::jthread> workers_;           // last, because they use the members above
};

}  // namespace incubate
