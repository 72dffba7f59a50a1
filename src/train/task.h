#pragma once

#include <cstdint>
#include <vector>

#include <torch/types.h>

#include "report/meters.h"
#include "train/loss.h"

namespace incubate {

/// What the network should have said of a batch.
struct Targets {
  torch::Tensor labels;              ///< (batch) int64
  torch::Tensor other_labels = {};   ///< of the images blended in (see data/mixup.h), or undefined
  torch::Tensor label_weights = {};  ///< (2) float: of `labels` and of the others; undefined without others
};

/// Classification: the only place that knows what a target means.
class ClassificationTask {
 public:
  explicit ClassificationTask(double label_smoothing) : label_smoothing_(label_smoothing) {}

  /// Returns the cross entropy with smoothed labels, for blended images with both images' labels by their weights
  /// (cross entropy is linear in the target): its mean over the micro-batch, and the number of images as its weight.
  /// `logits` (batch, classes).
  Loss loss(const torch::Tensor& logits, const Targets& targets) const;
  /// Counts and sums of an evaluation batch; the loss is without smoothing. REQUIRES: images are not blended.
  EvaluationSums evaluate(const torch::Tensor& logits, const Targets& targets) const;

 private:
  double label_smoothing_;
};

}  // namespace incubate
