#pragma once

#include <functional>
#include <future>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "run/run_context.h"
#include "train/training_account.h"

namespace incubate {

/// Takes part in gathering the state while the leader saves it. Collective over the group.
void gather_state(Trainer& trainer);

/// Reads and writes the files of a training in progress, on its group's leader. Writes in the background from a copy of
/// the state, one file at a time.
class TrainingFiles {
 public:
  using Tell = std::function<void(const std::string& message)>;

  /// Calls `note` for each written file.
  TrainingFiles(const RunContext& context, const Training& training, Tell warn, Tell note);
  /// Waits for the write in progress.
  ~TrainingFiles();
  TrainingFiles(const TrainingFiles&) = delete;
  TrainingFiles& operator=(const TrainingFiles&) = delete;

  /// Returns the checkpoint after `step` steps, or the latest intact one before it, with a warning for each damaged
  /// one. The next save removes later checkpoints. Throws std::runtime_error if there is none.
  Checkpoint load_resume_point(std::int64_t step);
  /// Returns the metrics up to `step`; empty, with a warning, if the file is unreadable.
  Metrics load_metrics(std::int64_t step) const;

  /// Both return as soon as the state is copied, and throw what the write before threw. The time that the training
  /// stood still is added to `account`.
  void save_resume_point(Trainer& trainer, TrainingAccount& account, const Figures& figures);
  void save_finished(Trainer& trainer, TrainingAccount& account, const Figures& figures);
  /// Throws what a write has thrown, if it is over.
  void check(TrainingAccount& account);
  /// Returns when all is written; calls `on_wait` about once a second meanwhile. Throws what a write threw.
  void finish(const std::function<void()>& on_wait);

 private:
  enum class Content { result, state };

  void save(Trainer& trainer, TrainingAccount& account, const Figures& figures, Content content);
  Checkpoint copy_state(Trainer& trainer, const Figures& figures, Content content);
  void take_result(TrainingAccount& account);
  void wait_for_write();

  const RunContext& context_;
  const Training& training_;
  Tell warn_;
  Tell note_;
  std::vector<std::string> arithmetic_;  // of the training's steps so far
  std::vector<std::int64_t> rejected_;   // steps of checkpoints to remove after the next save
  std::vector<torch::Tensor> copies_;    // in host memory
  std::future<double> pending_;
  FilePath pending_path_;
  CheckpointRow row_;  // of the pending write
};

/// Copies the values that `checkpoint` has of `state` into `buffer`, laid out as state.gather() returns it.
void copy_from(const Checkpoint& checkpoint, const NamedState& state, torch::Tensor& buffer);

}  // namespace incubate
