#pragma once

#include <cstdint>
#include <vector>

#include <torch/types.h>

#include "report/meters.h"

namespace incubate {

/// Classification: the only place that knows what a target means.
class ClassificationTask {
 public:
  explicit ClassificationTask(double label_smoothing) : label_smoothing_(label_smoothing) {}

  /// Mean cross entropy of a micro-batch with smoothed labels. `logits` (batch, classes), `labels` (batch) int64.
  torch::Tensor loss(const torch::Tensor& logits, const torch::Tensor& labels) const;
  /// Counts and sums of an evaluation batch; the loss is without smoothing.
  EvaluationSums evaluate(const torch::Tensor& logits, const torch::Tensor& labels) const;

 private:
  double label_smoothing_;
};

}  // namespace incubate
