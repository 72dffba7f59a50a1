#include "train/batch_tensors.h"

#include <torch/torch.h>

namespace incubate {

BatchTensors to_tensors(Batch& batch, std::int64_t side, torch::Device device) {
  const std::int64_t channels = static_cast<std::int64_t>(batch.images.size()) / (batch.size * side * side);
  const torch::Tensor images = torch::from_blob(batch.images.data(), {batch.size, channels, side, side});
  const torch::Tensor labels = torch::from_blob(batch.labels.data(), {batch.size}, torch::kInt64);
  return {images.to(device), labels.to(device)};
}

}  // namespace incubate
