#pragma once

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "base/figures.h"

namespace incubate {

/// One optimizer step.
struct StepRow {
  std::int64_t step = 0;  ///< from 0
  double loss = 0;        ///< NaN if the step was skipped
  double learning_rate = 0;
  double gradient_norm = 0;  ///< before clipping; NaN if the step was skipped
  double images_per_s = 0;
  double elapsed_s = 0;    ///< the training's own wall-clock at the end of the step
  double data_wait_s = 0;  ///< of the step's time, in which images were not there yet; mean over the ranks
  /// Of the step's time, that went into summing gradients over the group: waiting for its slowest rank, then for bytes.
  /// Mean over the ranks. Where a group carries on several trainings, of all their sums of the step, as of the waiting
  /// for data. It is known a step later: NaN in the last row before a job or a round ended.
  double communication_wait_s = kUnknown;
  /// Model FLOPs utilisation (Chowdhery et al., PaLM, 2022): the step's block FLOPs over what the group's ranks could
  /// have computed in the training's part of the step's time, at the peak that they reach in a matrix product (or
  /// run.peak_tflops). Block FLOPs are those of the network as it is, so branches that stochastic depth drops count,
  /// and frozen stages that several trainings of a group share count for each, though either is not computed; patch
  /// embedding, norms and head do not count.
  double model_flops_utilisation = kUnknown;
  /// The most memory that a rank has held since it started, in bytes: resident on the CPU, and on a GPU what LibTorch
  /// had allocated there. Mean over the ranks.
  double memory_peak_bytes = kUnknown;

  static constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

  /// Whether its loss or gradient was not finite, so that it changed nothing.
  bool is_skipped() const { return std::isnan(loss); }

  bool operator==(const StepRow&) const = default;
};

/// One evaluation, at the end of an epoch or of the training.
struct EpochRow {
  std::int64_t step = 0;   ///< steps done
  double epoch = 0;        ///< passes over the training images done
  double train_loss = 0;   ///< mean over the steps since the row before that were not skipped; NaN without one
  double block_flops = 0;  ///< spent by this training so far
  double elapsed_s = 0;
  Figures evaluation;

  bool operator==(const EpochRow&) const = default;
};

/// A round of this training: who trained it, from when to when.
struct RoundRow {
  double began_s = 0;           ///< Unix time
  double ended_s = 0;           ///< or when the latest checkpoint of the round was taken
  std::int64_t first_step = 0;  ///< steps done when it began
  std::int64_t last_step = 0;   ///< steps done when it ended
  std::int64_t first_rank = 0;  ///< the group is the ranks [first_rank, first_rank + num_ranks)
  std::int64_t num_ranks = 0;
  double images_per_s = 0;

  bool operator==(const RoundRow&) const = default;
};

/// A checkpoint, and what it cost.
struct CheckpointRow {
  std::int64_t step = 0;  ///< steps done
  double stall_s = 0;     ///< how long training stood still
  double write_s = 0;     ///< how long it took to be written, in the background

  bool operator==(const CheckpointRow&) const = default;
};

/// The measurements of one training: in memory while it runs, in one HDF5 file (see ../checkpoint/FORMAT.md) whenever
/// they are saved. The file is written whole, so a reader never sees half of it.
class Metrics {
 public:
  std::vector<MetricInfo> infos;  ///< what an evaluation has figures of
  std::vector<StepRow> steps;
  std::vector<EpochRow> epochs;
  std::vector<RoundRow> rounds;
  std::vector<CheckpointRow> checkpoints;

  /// Writes the file atomically.
  void save(const std::filesystem::path& path, const std::string& training) const;
  /// Reads it and drops what came after step `step`: a training resumed there repeats it. Without a file: empty. Throws
  /// InputError if the file is damaged, of another version or not what this program writes.
  static Metrics load(const std::filesystem::path& path, std::int64_t step);
};

/// Throws InputError if the file at `path` is of a newer version than this program writes, or of none. Silent if it
/// is missing, damaged or unreadable: figures are not needed to go on.
void check_metrics_version(const std::filesystem::path& path);

/// "/<training>" in `path` stands for "metrics/<training>.h5" beside it: one file to open for all.
void write_metrics_index(const std::filesystem::path& path, const std::vector<std::string>& trainings);

}  // namespace incubate
