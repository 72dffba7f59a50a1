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

EvaluationSums ClassificationTask::evaluate(const torch::Tensor& logits, const Targets& targets) const {
  const torch::Tensor& labels = targets.labels;
  const torch::Tensor loss = F::cross_entropy(logits, labels, F::CrossEntropyFuncOptions().reduction(torch::kSum));
  const std::int64_t k = std::min<std::int64_t>(5, logits.size(1));
  const torch::Tensor best = std::get<1>(logits.topk(k, 1));
  const torch::Tensor hits = best.eq(labels.unsqueeze(1));
  return {.num_images = logits.size(0),
          .top1_hits = hits.select(1, 0).sum().item<std::int64_t>(),
          .top5_hits = hits.sum().item<std::int64_t>(),
          .loss_units = to_exact_units(loss.item<double>())};
}

}  // namespace incubate
