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

/// What is done with a step's mean: every rank gets all of it, or its ProcessGroup::chunk() alone.
enum class MeanFor { all_ranks, owner };

/// Averages the gradients of a step's micro-batches over the ranks of a group, in one reduction a step: each rank adds
/// up and divides its chunk. Notes ride along. With Sums::exact the result is the same bit for bit however the
/// micro-batches were dealt. On a GPU nothing waits before read().
///
///   for each micro-batch of this rank: backward; reducer.add(addends, loss);
///   auto pending = reducer.finalize(addends, divisors, notes, what);
///   (work on the mean, unless reducer.is_bad())
///   StepSums sums = reducer.read(pending);
class GradientReducer {
 public:
  /// What a step's sums are divided by: gradients and losses by the summed weight of the losses over that of a whole
  /// micro-batch, statistics by the number of micro-batches.
  struct Divisors {
    std::int64_t nominal_weight = 1;
    std::int64_t num_micro_batches = 1;
  };
  struct StepSums {
    double mean_loss = 0;
    std::int64_t num_nonfinite = 0;  ///< micro-batches with a loss, or with Sums::exact a gradient, that is not finite
                                     ///< or out of range
    StepNotes notes;                 ///< summed over the ranks
    double reduction_s = 0;          ///< what the reduction took this rank: until its slowest rank came, and the bytes
  };
  /// A reduction whose numbers have not been read.
  struct Pending {
    std::string what;
    std::int64_t nominal_weight = 1;
    HostCopy numbers;
    DeviceStopwatch watch;
  };

  /// `num_addends` float values a micro-batch, of which `num_gradients` are gradients and the rest statistics.
  GradientReducer(ProcessGroup& group, Sums sums, std::int64_t num_gradients, std::int64_t num_addends,
                  MeanFor mean_for = MeanFor::all_ranks);

  /// Of this rank's last micro-batch of a step, the addends in `range`: adds them, and begins with their sum over the
  /// ranks, on a GPU beside the current stream. Afterwards comes add(), for the others. Collective: all ranks call it
  /// for the same ranges in the same order, or none does.
  void sum_early(const torch::Tensor& addends, Share range, const std::string& what);
  /// Adds the addends (float, flat) and the loss of one micro-batch.
  void add(const torch::Tensor& addends, const Loss& loss);
  /// Writes the mean over all micro-batches of the step, of all ranks, into `addends` and starts anew. `what` names the
  /// step. Collective.
  Pending finalize(torch::Tensor& addends, const Divisors& divisors, const StepNotes& notes, const std::string& what);
  /// Of the last finalize(): whether a micro-batch was not finite, so that the mean is worthless; bool, on the group's
  /// device. With Sums::fast the mean itself may be worthless, too.
  const torch::Tensor& is_bad() const { return is_bad_; }
  /// Waits for the numbers.
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
  torch::Tensor sums_;  // int64 units of 2^-40, or float; worthless until there is an addend
  bool has_addends_ = false;
  Share early_;                        // whose sum has begun
  std::optional<c10::Stream> beside_;  // where that goes on
  torch::Tensor numbers_;              // int64
  torch::Tensor is_out_of_range_;      // working memory of a GPU
  torch::Tensor is_bad_;
};

}  // namespace incubate
