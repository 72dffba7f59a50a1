#include "tasks/image_classification/image_classification.h"

#include <algorithm>
#include <cmath>

#include <torch/torch.h>

#include "base/exact_sum.h"
#include "model/linear_head.h"
#include "tasks/finish_images.h"

namespace incubate {

namespace F = torch::nn::functional;

DeviceBatch ImageClassification::to_device(Batch& batch, torch::Device device) const {
  auto& images = static_cast<ImageBatch&>(batch);
  Targets targets(3);
  targets[kLabels] = upload(images.labels, {images.size}, device);
  if (images.mixing) {
    targets[kOtherLabels] = targets[kLabels].flip(0);
    // Filled in by the device: the host would have to wait for it to copy from pageable memory.
    torch::Tensor weights =
        torch::full({2}, 1 - images.mixing->weight, torch::TensorOptions(torch::kFloat32).device(device));
    weights[0].fill_(images.mixing->weight);
    targets[kLabelWeights] = weights;
  }
  return {.input = finish_images(images, device), .targets = std::move(targets)};
}

std::shared_ptr<Head> ImageClassification::make_head(const ModelSpec& spec) const {
  return std::make_shared<LinearHead>(spec);
}

HeadCost ImageClassification::head_cost(const ModelSpec& spec) const { return linear_head_cost(spec); }

Loss ImageClassification::loss(const torch::Tensor& output, const Targets& targets) const {
  const auto loss_of = [&](const torch::Tensor& labels) {
    return F::cross_entropy(output, labels, F::CrossEntropyFuncOptions().label_smoothing(label_smoothing_));
  };
  torch::Tensor value = loss_of(targets[kLabels]);
  if (targets[kOtherLabels].defined()) {
    value = (value * targets[kLabelWeights][0]) + (loss_of(targets[kOtherLabels]) * targets[kLabelWeights][1]);
  }
  return {value, torch::full({1}, output.size(0), targets[kLabels].options())};
}

std::vector<MetricInfo> ImageClassification::list_metrics() const {
  return {{"top1", "top-1", "%"}, {"top5", "top-5", "%"}, {"loss", "loss", "nats", false}};
}

void ImageClassification::add_metrics(const torch::Tensor& output, const Targets& targets, MetricSums& sums) const {
  const torch::Tensor& labels = targets[kLabels];
  const torch::Tensor loss = F::cross_entropy(output, labels, F::CrossEntropyFuncOptions().reduction(torch::kSum));
  const std::int64_t k = std::min<std::int64_t>(5, output.size(1));
  const torch::Tensor best = std::get<1>(output.topk(k, 1));
  const torch::Tensor hits = best.eq(labels.unsqueeze(1));
  sums[0] += output.size(0);
  sums[1] += hits.select(1, 0).sum().item<std::int64_t>();
  sums[2] += hits.sum().item<std::int64_t>();
  add_to(WideSum(sums.begin() + 3, 3), loss.item<double>());
}

Figures ImageClassification::metrics_of(const MetricSums& sums) const {
  const auto count = static_cast<double>(sums[0]);
  const double loss = value_of(std::span<const std::int64_t, 3>(sums.begin() + 3, 3));
  if (!std::isfinite(loss)) return {{"top1", loss}, {"top5", loss}, {"loss", loss}};  // which logits are best is chance
  return {{"top1", static_cast<double>(sums[1]) / count},
          {"top5", static_cast<double>(sums[2]) / count},
          {"loss", loss / count}};
}

void ImageClassification::add_confusion(const torch::Tensor& output, const Targets& targets,
                                        torch::Tensor& counts) const {
  const torch::Tensor found = output.argmax(1).cpu();
  const torch::Tensor places = (targets[kLabels].cpu() * counts.size(1)) + found;
  counts += places.bincount(/*weights=*/{}, counts.numel()).view(counts.sizes());
}

std::vector<std::vector<ClassScore>> ImageClassification::rank_classes(const torch::Tensor& output,
                                                                       std::int64_t count) const {
  const torch::Tensor probabilities = output.to(torch::kCPU, torch::kFloat64).softmax(1);
  const auto [best, labels] = probabilities.topk(std::min(count, output.size(1)), 1);
  std::vector<std::vector<ClassScore>> ranking(output.size(0));
  for (std::int64_t i = 0; i < best.size(0); ++i) {
    for (std::int64_t k = 0; k < best.size(1); ++k) {
      ranking[i].push_back({labels[i][k].item<std::int64_t>(), best[i][k].item<double>()});
    }
  }
  return ranking;
}

}  // namespace incubate
