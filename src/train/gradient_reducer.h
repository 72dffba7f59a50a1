#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <c10/core/Stream.h>
#include <torch/types.h>

#include "base/exact_sum.h"
#include "gpu/device_stopwatch.h"
#include "gpu/host_copy.h"
#include "parallel/process_group.h"

namespace incubate {

/// What is done with a step's mean: every rank gets all of it, or its ProcessGroup::chunk() alone.
enum class MeanFor { all_ranks, owner };

/// Sums the gradients of a step's micro-batches over the ranks of a group, in one reduction a step: each rank sums up
/// and divides its chunk. A few numbers are summed with them. With Sums::exact the result is the same bit for bit
/// however the micro-batches were dealt. On a GPU nothing waits before read().
///
///   for each micro-batch of this rank: backward; reducer.add(gradients, loss);
///   auto pending = reducer.finalize(gradients, num_micro_batches, what);
///   (work on the mean, unless reducer.is_bad())
///   StepSums sums = reducer.read(pending);
class GradientReducer {
 public:
  struct StepSums {
    double mean_loss = 0;                  ///< over the step's micro-batches
    std::int64_t num_nonfinite = 0;        ///< micro-batches with a loss or gradient that is not finite or out of range
    bool stop_requested = false;           ///< by any rank
    bool save_requested = false;           ///< likewise
    double mean_data_wait_s = 0;           ///< over the ranks
    double mean_communication_wait_s = 0;  ///< over the ranks, as noted before; NaN if it was not
    double mean_memory_peak_bytes = 0;     ///< over the ranks
    double reduction_s = 0;  ///< what the reduction took this rank: until its slowest rank came, and the bytes
  };
  /// A reduction whose numbers have not been read.
  struct Pending {
    std::string what;
    std::int64_t num_micro_batches = 0;
    HostCopy numbers;
    DeviceStopwatch watch;
    bool has_communication_wait = false;
  };

  GradientReducer(ProcessGroup& group, Sums sums, std::int64_t num_gradients, MeanFor mean_for = MeanFor::all_ranks);

  /// Of this rank's last micro-batch of a step, the gradients in `range`: adds them, and begins with their sum over the
  /// ranks, on a GPU beside the current stream. Afterwards comes add(), for the others. Collective: all ranks call it
  /// for the same ranges in the same order, or none does.
  void sum_early(const torch::Tensor& gradients, Share range, const std::string& what);
  /// Adds the gradients (float, flat) and the loss (float, one value) of one micro-batch.
  void add(const torch::Tensor& gradients, const torch::Tensor& loss);
  /// Asks all ranks of the group to stop after this step.
  void request_stop() { stop_requested_ = true; }
  /// Asks all ranks of the group to save after this step.
  void request_save() { save_requested_ = true; }
  /// Notes for how long this rank waited for the step's images.
  void note_data_wait(double seconds) { data_wait_s_ = seconds; }
  /// Notes how long this rank's reductions of an earlier step took, which this step's cannot tell of themselves. All
  /// ranks of the group note it, or none.
  void note_communication_wait(double seconds) { communication_wait_s_ = seconds; }
  /// Notes how much memory this rank has held at most.
  void note_memory_peak(std::int64_t bytes) { memory_peak_bytes_ = bytes; }
  /// Writes the mean over all micro-batches of the step, of all ranks, into `gradients` and starts anew. `what` names
  /// the step. Collective.
  Pending finalize(torch::Tensor& gradients, std::int64_t num_micro_batches, const std::string& what);
  /// Of the last finalize(): 1 if a micro-batch was not finite, so that the mean is worthless, else 0; float, on the
  /// group's device.
  const torch::Tensor& is_bad() const { return is_bad_; }
  /// Waits for the numbers.
  StepSums read(const Pending& pending);

 private:
  void add_gradients(const torch::Tensor& gradients, Share range);
  void add_loss(const torch::Tensor& loss);
  void sum_gradients(torch::Tensor& gradients, std::int64_t num_micro_batches, const std::string& what);
  torch::Tensor notes();
  void write_mean(torch::Tensor& gradients, std::int64_t num_micro_batches, Share part);

  ProcessGroup& group_;
  Sums kind_;
  MeanFor mean_for_;
  std::int64_t num_gradients_;
  torch::Tensor sums_;  // int64 units of 2^-40, or float; worthless until there is an addend
  bool has_addends_ = false;
  Share early_;                        // whose sum has begun
  std::optional<c10::Stream> beside_;  // where that goes on
  torch::Tensor riders_;               // in the same type
  torch::Tensor is_out_of_range_;      // working memory of a GPU
  torch::Tensor is_bad_;
  bool stop_requested_ = false;
  bool save_requested_ = false;
  double data_wait_s_ = 0;
  std::optional<double> communication_wait_s_;
  std::int64_t memory_peak_bytes_ = 0;
};

}  // namespace incubate
