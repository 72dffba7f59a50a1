#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <c10/core/Stream.h>
#include <torch/types.h>

#include "base/exact_sum.h"
#include "gpu/device_stopwatch.h"
#include "gpu/host_copy.h"
#include "parallel/process_group.h"
#include "tasks/task.h"
#include "train/step_notes.h"

namespace incubate {

/// Who gets a step's mean: every rank all of it, or each rank its ProcessGroup::chunk().
enum class MeanFor { all_ranks, owner };

/// Averages the gradients of a step's micro-batches over the ranks of a group, in one reduction a step: each rank sums
/// and divides its chunk. The reduction also sums notes. With Sums::exact the result is bit-identical however
/// micro-batches are distributed. Only read() waits for a GPU.
///
///   for each micro-batch of this rank: backward; reducer.add(addends, loss);
///   auto pending = reducer.finalize(addends, divisors, notes, what);
///   (work on the mean, unless reducer.is_bad())
///   StepSums sums = reducer.read(pending);
class GradientReducer {
 public:
  /// Divisors of a step's sums. Gradients and losses: the summed weight of the losses, divided by that of a whole
  /// micro-batch. Statistics: the number of micro-batches.
  struct Divisors {
    std::int64_t nominal_weight = 1;
    std::int64_t num_micro_batches = 1;
  };
  struct StepSums {
    double mean_loss = 0;
    std::int64_t num_nonfinite = 0;  ///< micro-batches with a loss, or with Sums::exact a gradient, that is not finite
                                     ///< or out of range
    StepNotes notes;                 ///< summed over the ranks
    double reduction_s = 0;          ///< this rank's time: waiting for the slowest rank, then transfer
  };
  /// A reduction whose numbers are not read yet.
  struct Pending {
    std::string what;
    std::int64_t nominal_weight = 1;
    HostCopy numbers;
    DeviceStopwatch watch;
  };

  /// A micro-batch has `num_addends` float values: `num_gradients` gradients, then statistics.
  GradientReducer(ProcessGroup& group, Sums sums, std::int64_t num_gradients, std::int64_t num_addends,
                  MeanFor mean_for = MeanFor::all_ranks);

  /// Adds the addends in `range` of this rank's last micro-batch of a step, and starts their sum over the ranks. On a
  /// GPU the sum runs beside the current stream. add() must follow for the other addends. Collective: all ranks call it
  /// for the same ranges in the same order, or none does.
  void sum_early(const torch::Tensor& addends, Share range, const std::string& what);
  /// Adds the addends (float, flat) and the loss of a micro-batch.
  void add(const torch::Tensor& addends, const Loss& loss);
  /// Writes the mean over all ranks' micro-batches of the step into `addends` and resets the sums. `what` names the
  /// step in messages. Collective.
  Pending finalize(torch::Tensor& addends, const Divisors& divisors, const StepNotes& notes, const std::string& what);
  /// Returns whether a micro-batch of the last finalize() was not finite: one bool on the group's device. The mean is
  /// invalid then. With Sums::fast an overflow may also make the mean itself not finite.
  const torch::Tensor& is_bad() const { return is_bad_; }
  /// Waits for the numbers and returns them.
  StepSums read(const Pending& pending);

 private:
  void add_range(const torch::Tensor& addends, Share range);
  void add_loss(const Loss& loss);
  torch::Tensor sum_numbers(const StepNotes& notes, const std::string& what);
  void sum_addends(torch::Tensor& addends, const torch::Tensor& weight, const Divisors& divisors,
                   const std::string& what);
  void write_mean(torch::Tensor& addends, Share part, const torch::Tensor& weight, const Divisors& divisors);

  ProcessGroup& group_;
  Sums kind_;
  MeanFor mean_for_;
  std::int64_t num_gradients_, num_addends_;
  torch::Tensor sums_;  // int64 units of 2^-40, or float; undefined values before the first addend
  bool has_addends_ = false;
  Share early_;                        // the ranges that sum_early() has started
  std::optional<c10::Stream> beside_;  // the stream of the early sums
  torch::Tensor numbers_;              // int64
  torch::Tensor is_out_of_range_;      // a GPU's workspace
  torch::Tensor is_bad_;
};

}  // namespace incubate
