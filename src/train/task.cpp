#include "train/task.h"

#include <algorithm>

#include <torch/torch.h>

#include "base/exact_sum.h"

namespace incubate {

namespace F = torch::nn::functional;

Loss ClassificationTask::loss(const torch::Tensor& logits, const Targets& targets) const {
  const auto loss_of = [&](const torch::Tensor& labels) {
    return F::cross_entropy(logits, labels, F::CrossEntropyFuncOptions().label_smoothing(label_smoothing_));
  };
  torch::Tensor value = loss_of(targets.labels);
  if (targets.other_labels.defined()) {
    value = (value * targets.label_weights[0]) + (loss_of(targets.other_labels) * targets.label_weights[1]);
  }
  return {value, torch::full({1}, logits.size(0), targets.labels.options())};
}

std::vector<MetricInfo> ClassificationTask::list_metrics() {
  return {{"top1", "top-1", "%"}, {"top5", "top-5", "%"}, {"loss", "loss", "nats", false}};
}

MetricSums ClassificationTask::no_samples() { return MetricSums(4); }

void ClassificationTask::add_metrics(const torch::Tensor& logits, const Targets& targets, MetricSums& sums) {
  const torch::Tensor& labels = targets.labels;
  const torch::Tensor loss = F::cross_entropy(logits, labels, F::CrossEntropyFuncOptions().reduction(torch::kSum));
  const std::int64_t k = std::min<std::int64_t>(5, logits.size(1));
  const torch::Tensor best = std::get<1>(logits.topk(k, 1));
  const torch::Tensor hits = best.eq(labels.unsqueeze(1));
  sums[0] += logits.size(0);
  sums[1] += hits.select(1, 0).sum().item<std::int64_t>();
  sums[2] += hits.sum().item<std::int64_t>();
  sums[3] += to_exact_units(loss.item<double>());
}

Figures ClassificationTask::metrics_of(const MetricSums& sums) {
  const auto count = static_cast<double>(sums[0]);
  return {{"top1", static_cast<double>(sums[1]) / count},
          {"top5", static_cast<double>(sums[2]) / count},
          {"loss", from_exact_units(sums[3]) / count}};
}

}  // namespace incubate
