#include "train/batch_tensors.h"

#include <torch/torch.h>

namespace incubate {

BatchTensors to_tensors(Batch& batch, std::int64_t side, torch::Device device) {
  const std::int64_t channels = static_cast<std::int64_t>(batch.images.size()) / (batch.size * side * side);
  const torch::Tensor images = torch::from_blob(batch.images.data(), {batch.size, channels, side, side});
  const auto labels_of = [&](std::pmr::vector<std::int64_t>& labels) {
    if (labels.empty()) return torch::Tensor();
    return torch::from_blob(labels.data(), {batch.size}, torch::kInt64).to(device, /*non_blocking=*/true);
  };
  torch::Tensor weights;
  if (!batch.other_labels.empty()) {
    weights = torch::tensor({batch.label_weight, 1 - batch.label_weight}, torch::kFloat32).to(device);
  }
  return {
      .images = images.to(device, /*non_blocking=*/true),
      .targets = {
          .labels = labels_of(batch.labels), .other_labels = labels_of(batch.other_labels), .label_weights = weights}};
}

}  // namespace incubate
