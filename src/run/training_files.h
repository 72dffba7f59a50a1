#pragma once

#include <functional>
#include <future>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "run/run_context.h"
#include "train/trainer.h"

namespace incubate {

/// A buffer of a trainer, its parts, and the name of each in a checkpoint.
struct SavedBuffer {
  std::function<torch::Tensor()> gather;  ///< the buffer, or a copy; collective over the group
  std::span<const FlatView> views;        ///< the trainer's
  std::function<std::string(const FlatView&)> key;
};

/// What a training goes on from: parameters, optimizer state, and the average of the weights if there is one.
std::vector<SavedBuffer> list_state(Trainer& trainer);
/// What a rank other than the leader has to do while the leader saves a resume point.
void gather_state(Trainer& trainer);

/// The files of a training under way, on its group's leader: what it goes on from, and what it leaves. Writing happens
/// in the background, from a copy of the state; one file of a training at a time.
class TrainingFiles {
 public:
  using Tell = std::function<void(const std::string& message)>;

  /// `note` is told of each file that has been written.
  TrainingFiles(const RunContext& context, const Training& training, Tell warn, Tell note);
  /// Waits for the write under way.
  ~TrainingFiles();
  TrainingFiles(const TrainingFiles&) = delete;
  TrainingFiles& operator=(const TrainingFiles&) = delete;

  /// Returns the checkpoint after `step` steps, or the latest intact one before it, with a warning for each damaged
  /// one. Later ones are removed as soon as a new one is saved. Throws std::runtime_error if there is none.
  Checkpoint load_resume_point(std::int64_t step);
  /// Without a readable file: empty, with a warning.
  Metrics load_metrics(std::int64_t step) const;

  /// Both return as soon as the state is copied, and throw what the write before threw. The time that the training
  /// stood still is added to the trainer's.
  void save_resume_point(Trainer& trainer, const Figures& figures);
  void save_finished(Trainer& trainer, const Figures& figures);
  /// Throws what a write has thrown, if it is over.
  void check(Trainer& trainer);
  /// Returns when all is written; calls `on_wait` about once a second meanwhile. Throws what a write threw.
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
  std::vector<std::int64_t> rejected_;  // steps of checkpoints that must not outlast good ones
  std::vector<torch::Tensor> copies_;   // in host memory
  std::future<double> pending_;
  FilePath pending_path_;
  CheckpointRow row_;  // of the pending write
};

/// Copies the state of `checkpoint` into `buffers`, those of list_state() as they were gathered.
void restore_state(const Checkpoint& checkpoint, std::span<const SavedBuffer> list,
                   std::span<const torch::Tensor> buffers);

}  // namespace incubate
