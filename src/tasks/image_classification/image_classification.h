#pragma once

#include "tasks/task.h"
#include "vision/image_samples.h"

namespace incubate {

/// Targets of classification, in their order.
enum ClassTarget : std::size_t {
  kLabels,        ///< (batch) int64
  kOtherLabels,   ///< (batch) int64: of the images blended in (see vision/mixup.h), or undefined
  kLabelWeights,  ///< (2) float: of the labels and of the others; undefined without others
};

/// Tells an image's class by a linear layer.
class ImageClassification final : public Task {
 public:
  explicit ImageClassification(double label_smoothing, ImageSettings images = {})
      : label_smoothing_(label_smoothing), images_(std::move(images)) {}

  std::unique_ptr<const SampleMaker> make_samples(const Dataset& dataset, Split split) const override {
    return std::make_unique<ImageSamples>(dataset, split, images_);
  }
  DeviceBatch to_device(Batch& batch, torch::Device device) const override;
  std::shared_ptr<Head> make_head(const ModelSpec& spec) const override;
  HeadCost head_cost(const ModelSpec& spec) const override;
  std::int64_t nominal_weight(std::int64_t size) const override { return size; }
  /// Cross entropy with smoothed labels, for blended images with both images' labels by their weights (cross entropy is
  /// linear in the target). `output` (batch, classes) are logits.
  Loss loss(const torch::Tensor& output, const Targets& targets) const override;
  std::vector<MetricInfo> list_metrics() const override;
  MetricSums no_samples() const override { return MetricSums(6); }
  /// The loss is without smoothing. REQUIRES: images are not blended.
  void add_metrics(const torch::Tensor& output, const Targets& targets, MetricSums& sums) const override;
  Figures metrics_of(const MetricSums& sums) const override;
  void add_confusion(const torch::Tensor& output, const Targets& targets, torch::Tensor& counts) const override;
  std::vector<std::vector<ClassScore>> rank_classes(const torch::Tensor& output, std::int64_t count) const override;

 private:
  double label_smoothing_;
  ImageSettings images_;
};

}  // namespace incubate
