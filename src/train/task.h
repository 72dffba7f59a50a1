#pragma once

#include <cstdint>
#include <vector>

#include <torch/types.h>

#include "base/figures.h"
#include "train/loss.h"

namespace incubate {

/// What the network should have said of a batch.
struct Targets {
  torch::Tensor labels;              ///< (batch) int64
  torch::Tensor other_labels = {};   ///< of the images blended in (see data/mixup.h), or undefined
  torch::Tensor label_weights = {};  ///< (2) float: of `labels` and of the others; undefined without others
};

/// Exact sums over evaluated samples, whose number is the first: they add up over batches and ranks in any order.
using MetricSums = std::vector<std::int64_t>;

/// Classification: the only place that knows what a target means.
class ClassificationTask {
 public:
  explicit ClassificationTask(double label_smoothing) : label_smoothing_(label_smoothing) {}

  /// Returns the cross entropy with smoothed labels, for blended images with both images' labels by their weights
  /// (cross entropy is linear in the target): its mean over the micro-batch, and the number of images as its weight.
  /// `logits` (batch, classes).
  Loss loss(const torch::Tensor& logits, const Targets& targets) const;
  /// The figures of an evaluation. They keep these names in files.
  static std::vector<MetricInfo> list_metrics();
  /// Returns the sums over no sample.
  static MetricSums no_samples();
  /// Adds an evaluation batch; the loss is without smoothing. REQUIRES: images are not blended.
  static void add_metrics(const torch::Tensor& logits, const Targets& targets, MetricSums& sums);
  /// Returns the figures by list_metrics(). REQUIRES: sums are of a sample at least.
  static Figures metrics_of(const MetricSums& sums);

 private:
  double label_smoothing_;
};

}  // namespace incubate
