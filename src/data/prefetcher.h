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
  std::int64_t workers = 0;  ///< threads beside the one that loads; 0: that one does everything, when it is asked
  std::int64_t depth = 2;    ///< batches made ahead, if there are workers
  /// What batches lie in; it outlives them. The thread that loads claims, any gives back.
  std::pmr::memory_resource* memory = std::pmr::get_default_resource();
};

/// Makes batches ahead of their use. What a batch holds is a function of its place alone, whatever the number of
/// workers: the order in which places are asked for is guessed, and a wrong guess costs time only. Memory is bounded by
/// depth + 1 batches.
class Prefetcher {
 public:
  using Plan = std::function<BatchPlan(const BatchPlace& place)>;
  /// The place that is likely to be asked for next; nothing at the end.
  using Next = std::function<std::optional<BatchPlace>(const BatchPlace& place)>;

  /// `plan` and `next` are called by the thread that calls load(), what they return by any.
  Prefetcher(const PrefetchOptions& options, Plan plan, Next next);
  /// Waits for the images that are being made, and drops them.
  ~Prefetcher();
  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;

  /// The batch at `place`; helps to make it. Throws what making one of its images threw.
  Batch load(const BatchPlace& place);

 private:
  struct Pending {
    Pending(const BatchPlace& its_place, BatchPlan its_plan, std::pmr::memory_resource* memory);

    BatchPlace place;
    BatchPlan plan;
    Batch batch;
    std::int64_t next_image = 0;  // the first that nobody makes
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
  std::mutex mutex_;  // guards the queue and all that hangs on it, except images being made
  std::condition_variable_any has_work_;
  std::condition_variable is_done_;
  std::deque<std::shared_ptr<Pending>> queue_;  // the front is what is asked for next
  std::vector<std::jthread> workers_;           // last: they use all the above
};

}  // namespace incubate
