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
  double elapsed_s = 0;    ///< wall-clock time of the training at the end of the step
  double data_wait_s = 0;  ///< part of the step's time spent waiting for images; mean over the ranks
  /// Part of the step's time spent summing gradients over the group: waiting for its slowest rank, then for bytes. Mean
  /// over the ranks. In a group with several trainings this and the waiting for data count all of them. Known a step
  /// later: NaN in the last row before the end of a job or round.
  double communication_wait_s = kUnknown;
  /// Model FLOPs utilisation (Chowdhery et al., PaLM, 2022): the step's block FLOPs divided by the group's peak. The
  /// peak is that of the ranks' matrix products (or run.peak_tflops), over the training's part of the step's time.
  /// Block FLOPs count every block of the network. They include branches that stochastic depth drops and, for each
  /// training, frozen stages that a group computes once. They exclude patch embedding, norms and head.
  double model_flops_utilisation = kUnknown;
  /// Peak memory of a rank since its start, in bytes: the resident set on a CPU, LibTorch's allocations on a GPU. Mean
  /// over the ranks.
  double memory_peak_bytes = kUnknown;

  static constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

  /// Whether the step was skipped: its loss or gradient was not finite, and it changed nothing.
  bool is_skipped() const { return std::isnan(loss); }

  bool operator==(const StepRow&) const = default;
};

/// One evaluation.
struct EpochRow {
  std::int64_t step = 0;   ///< completed steps
  double epoch = 0;        ///< completed passes over the training images
  double train_loss = 0;   ///< mean over the steps since the last row that were not skipped; NaN without such steps
  double block_flops = 0;  ///< of this training so far
  double elapsed_s = 0;
  std::int64_t num_samples = 0;  ///< validation samples; 0: all (of files before version 6)
  Figures evaluation;

  bool operator==(const EpochRow&) const = default;
};

/// A round of this training: its group, start and end.
struct RoundRow {
  double began_s = 0;           ///< Unix time
  double ended_s = 0;           ///< or when the latest checkpoint of the round was taken
  std::int64_t first_step = 0;  ///< completed steps at the start
  std::int64_t last_step = 0;   ///< completed steps at the end
  std::int64_t first_rank = 0;  ///< the group is the ranks [first_rank, first_rank + num_ranks)
  std::int64_t num_ranks = 0;
  double images_per_s = 0;

  bool operator==(const RoundRow&) const = default;
};

/// A checkpoint and its cost.
struct CheckpointRow {
  std::int64_t step = 0;  ///< completed steps
  double stall_s = 0;     ///< how long training stopped
  double write_s = 0;     ///< how long the background thread wrote

  bool operator==(const CheckpointRow&) const = default;
};

/// The measurements of one training, in memory during the training and in one HDF5 file (see ../checkpoint/FORMAT.md).
class Metrics {
 public:
  std::vector<MetricInfo> infos;  ///< the figures of an evaluation
  std::vector<StepRow> steps;
  std::vector<EpochRow> epochs;
  std::vector<RoundRow> rounds;
  std::vector<CheckpointRow> checkpoints;

  /// Replaces the file atomically, so readers always see a complete one.
  void save(const std::filesystem::path& path, const std::string& training) const;
  /// Reads the file without the rows after step `step`, because a training resumed there repeats them. Returns empty
  /// tables if there is no file. Throws InputError if the file is damaged, of another version or not a metrics file.
  static Metrics load(const std::filesystem::path& path, std::int64_t step);
};

/// Throws InputError if the version of the file at `path` is newer than this program's or missing. Ignores a missing,
/// damaged or unreadable file: training can go on without figures.
void check_metrics_version(const std::filesystem::path& path);

/// Writes an HDF5 file that links "/<training>" to "metrics/<training>.h5" beside it: one file to open for all.
void write_metrics_index(const std::filesystem::path& path, const std::vector<std::string>& trainings);

}  // namespace incubate
