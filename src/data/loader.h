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
#include <string>
#include <thread>
#include <vector>

#include "data/damaged_samples.h"
#include "data/sample_maker.h"

namespace incubate {

/// How to read samples. While all are intact, no option changes a batch.
struct LoaderOptions {
  std::int64_t workers = 0;  ///< threads besides the loading one; 0: the loading thread makes each batch when asked
  std::int64_t depth = 2;    ///< batches made ahead by workers
  /// Allocates batches and outlives them. Only the loading thread allocates; any thread frees.
  std::pmr::memory_resource* memory = std::pmr::get_default_resource();
  OnDataError on_error = OnDataError::fail;
  std::function<void(const std::string& message)> warn = {};  ///< once per damaged sample, on the loading thread
};

/// Loads batches, and makes them ahead of their use. The order of requests is guessed; a wrong guess only costs time.
/// Memory is bounded by depth + 1 batches.
class Loader {
 public:
  Loader(std::unique_ptr<const SampleMaker> maker, std::unique_ptr<Sampler> sampler, const LoaderOptions& options = {});
  /// Waits for samples in progress and drops them.
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  const Sampler& sampler() const { return *sampler_; }
  std::int64_t num_samples() const { return sampler_->num_samples(); }
  /// Returns the batch at `place`, after helping to make it. Rethrows the error of a sample that failed.
  std::unique_ptr<Batch> load(const BatchPlace& place);
  /// Returns the seconds spent in load() so far.
  double waited_s() const { return waited_s_; }

 private:
  struct Pending {
    BatchPlace place;
    std::vector<Sample> samples;
    std::unique_ptr<Batch> batch;
    std::int64_t next_sample = 0;  // first one that no thread has taken
    std::int64_t samples_left = static_cast<std::int64_t>(samples.size());
    std::exception_ptr error = {};
  };
  using Lock = std::unique_lock<std::mutex>;

  void enqueue(const BatchPlace& place);
  void fill_queue();
  void work(const std::stop_token& stop);
  std::shared_ptr<Pending> find_work();
  void make_one(const std::shared_ptr<Pending>& pending, Lock& lock);

  std::unique_ptr<const SampleMaker> maker_;
  std::unique_ptr<Sampler> sampler_;  // used by the loading thread alone
  LoaderOptions options_;
  DamagedSamples damaged_;
  double waited_s_ = 0;
  std::mutex mutex_;  // guards the queue and its batches, except samples in progress
  std::condition_variable_any has_work_;
  std::condition_variable is_done_;
  std::deque<std::shared_ptr<Pending>> queue_;  // the front is requested next
  std::vector<std::jthread> workers_;           // last, because they use the members above
};

}  // namespace incubate
