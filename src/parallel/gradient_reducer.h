#pragma once

#include <cstdint>
#include <vector>

#include <torch/types.h>

#include "base/exact_sum.h"
#include "parallel/process_group.h"

namespace incubate {

/// Sums the gradients of a step's micro-batches over the ranks of a group, in one reduction a step. A few numbers ride
/// along. With Sums::exact the result is the same bit for bit however the micro-batches were dealt.
///
///   for each micro-batch of this rank: backward; reducer.add(gradients, loss);
///   StepSums sums = reducer.finalize(gradients, num_micro_batches);
class GradientReducer {
 public:
  struct StepSums {
    double mean_loss = 0;            ///< over the step's micro-batches
    std::int64_t num_nonfinite = 0;  ///< micro-batches with a loss or gradient that is not finite or out of range
    bool stop_requested = false;     ///< by any rank
    double mean_data_wait_s = 0;     ///< over the ranks
  };

  GradientReducer(ProcessGroup& group, Sums sums, std::int64_t num_gradients);

  /// Adds the gradients (float, flat) and the loss of one micro-batch.
  void add(const torch::Tensor& gradients, double loss);
  /// Asks all ranks of the group to stop after this step.
  void request_stop() { stop_requested_ = true; }
  /// Notes for how long this rank waited for the step's images.
  void note_data_wait(double seconds) { data_wait_s_ = seconds; }
  /// Writes the mean over all micro-batches of the step, of all ranks, into `gradients` and starts anew. Collective.
  StepSums finalize(torch::Tensor& gradients, std::int64_t num_micro_batches);

 private:
  void add_exact(const torch::Tensor& gradients, double loss);
  void add_fast(const torch::Tensor& gradients, double loss);

  ProcessGroup& group_;
  Sums sums_;
  std::int64_t num_gradients_;
  torch::Tensor buffer_;  // gradients, then the riders: int64 units of 2^-40, or float
  bool stop_requested_ = false;
  double data_wait_s_ = 0;
};

}  // namespace incubate
