#pragma once

#include <functional>
#include <future>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "run/run_context.h"
#include "train/trainer.h"

namespace incubate {

/// A buffer of a trainer, its parts, and each part's name in a checkpoint.
struct SavedBuffer {
  std::function<torch::Tensor()> gather;  ///< returns the buffer or a copy; collective over the group
  std::span<const FlatView> views;        ///< the trainer's views
  std::function<std::string(const FlatView&)> key;
};

/// Returns the buffers needed to resume: parameters, optimizer state, and the average of the weights if there is one.
std::vector<SavedBuffer> list_state(Trainer& trainer);
/// Gathers on ranks other than the leader while the leader saves a checkpoint to resume from.
void gather_state(Trainer& trainer);

/// Reads and writes the files of a training in progress, on its group's leader. Writes in the background from a copy of
/// the state, one file at a time.
class TrainingFiles {
 public:
  using Tell = std::function<void(const std::string& message)>;
  using Figures = std::map<std::string, double>;

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

  /// Save in the background: return when the state is copied, and add the time of the stall to the trainer's. Rethrow
  /// the error of the write before.
  void save_resume_point(Trainer& trainer, const Figures& figures);
  void save_finished(Trainer& trainer, const Figures& figures);
  /// Rethrows the error of a write that has ended.
  void check(Trainer& trainer);
  /// Returns when everything is written; calls `on_wait` about once a second meanwhile. Rethrows the error of a write.
  void finish(const std::function<void()>& on_wait);

 private:
  enum class Content { result, state };

  void save(Trainer& trainer, const Figures& figures, Content content);
  Checkpoint copy_state(Trainer& trainer, const Figures& figures, Content content);
  void take_result(Trainer& trainer);
  void wait_for_write();

  const RunContext& context_;
  const Training& training_;
  Tell warn_;
  Tell note_;
  std::vector<std::int64_t> rejected_;  // steps of checkpoints to remove after the next save
  std::vector<torch::Tensor> copies_;   // in host memory
  std::future<double> pending_;
  FilePath pending_path_;
  CheckpointRow row_;  // of the pending write
};

/// Copies the state of `checkpoint` into `buffers`, the gathered buffers of list_state().
void restore_state(const Checkpoint& checkpoint, std::span<const SavedBuffer> list,
                   std::span<const torch::Tensor> buffers);

}  // namespace incubate
