#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <torch/types.h>

#include "base/exact_sum.h"
#include "parallel/process_group.h"

namespace incubate {

/// Sums the gradients of a step's micro-batches over the ranks of a group, in one reduction a step: each rank sums up
/// and divides its share, and all get all shares. A few numbers are summed with them. With Sums::exact the result is
/// the same bit for bit however the micro-batches were dealt.
///
///   for each micro-batch of this rank: backward; reducer.add(gradients, loss);
///   StepSums sums = reducer.finalize(gradients, num_micro_batches);
class GradientReducer {
 public:
  struct StepSums {
    double mean_loss = 0;                  ///< over the step's micro-batches
    std::int64_t num_nonfinite = 0;        ///< micro-batches with a loss or gradient that is not finite or out of range
    bool stop_requested = false;           ///< by any rank
    double mean_data_wait_s = 0;           ///< over the ranks
    double mean_communication_wait_s = 0;  ///< over the ranks, as noted before; NaN if it was not
    double mean_memory_peak_bytes = 0;     ///< over the ranks
  };

  GradientReducer(ProcessGroup& group, Sums sums, std::int64_t num_gradients);

  /// Adds the gradients (float, flat) and the loss of one micro-batch.
  void add(const torch::Tensor& gradients, double loss);
  /// Asks all ranks of the group to stop after this step.
  void request_stop() { stop_requested_ = true; }
  /// Notes for how long this rank waited for the step's images.
  void note_data_wait(double seconds) { data_wait_s_ = seconds; }
  /// Notes how long this rank's reductions of the step before took, which this step's cannot tell of themselves. All
  /// ranks of the group note it, or none.
  void note_communication_wait(double seconds) { communication_wait_s_ = seconds; }
  /// Notes how much memory this rank has held at most.
  void note_memory_peak(std::int64_t bytes) { memory_peak_bytes_ = bytes; }
  /// Writes the mean over all micro-batches of the step, of all ranks, into `gradients` and starts anew. Collective.
  StepSums finalize(torch::Tensor& gradients, std::int64_t num_micro_batches);
  /// How long the reduction of the last finalize() took this rank: until its slowest rank came, and the bytes.
  double reduction_s() const { return reduction_s_; }

 private:
  void add_exact(const torch::Tensor& gradients, double loss);
  void add_fast(const torch::Tensor& gradients, double loss);
  void add_notes();
  void write_mean(torch::Tensor& gradients, std::int64_t num_micro_batches, Share share) const;

  ProcessGroup& group_;
  Sums kind_;
  std::int64_t num_gradients_;
  torch::Tensor sums_;  // int64 units of 2^-40, or float; worthless until there is an addend
  bool has_addends_ = false;
  torch::Tensor riders_;  // in the same type
  bool stop_requested_ = false;
  double data_wait_s_ = 0;
  std::optional<double> communication_wait_s_;
  std::int64_t memory_peak_bytes_ = 0;
  double reduction_s_ = 0;
};

}  // namespace incubate
