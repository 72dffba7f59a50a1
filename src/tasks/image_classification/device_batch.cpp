#include <utility>

#include <torch/torch.h>

#include "tasks/image_classification/image_classification.h"

namespace incubate {
namespace {

/// The values on the device, which copies them from page-locked memory by itself.
template <typename T>
torch::Tensor upload(std::pmr::vector<T>& values, torch::IntArrayRef shape, torch::Device device) {
  return torch::from_blob(values.data(), shape, torch::CppTypeToScalarType<T>::value).to(device, /*non_blocking=*/true);
}

/// Of the images' bytes, (size, side, side, channels), their numbers, (size, channels, side, side). A table has the
/// bits that the CPU has; fp32 arithmetic would lose some near 0.
torch::Tensor finish_images(RawImages& raw, std::int64_t size, std::int64_t side, torch::Device device) {
  const std::int64_t channels = std::ssize(raw.table) / 256;
  const torch::Tensor bytes = upload(raw.bytes, {size * side * side, channels}, device);
  const torch::Tensor rows = torch::arange(0, 256 * channels, 256, torch::TensorOptions(torch::kInt64).device(device));
  torch::Tensor pixels =
      upload(raw.table, {256 * channels}, device).index_select(0, (bytes + rows).flatten()).view({-1, channels});
  if (!raw.erased.empty()) {
    const std::int64_t num_erased = std::ssize(raw.erased);
    pixels.index_put_({upload(raw.erased, {num_erased}, device)}, upload(raw.noise, {num_erased, channels}, device));
  }
  return pixels.view({size, side * side, channels}).transpose(1, 2).contiguous().view({size, channels, side, side});
}

/// As mix_images().
void mix(torch::Tensor& images, const Mixing& mixing) {
  if (mixing.is_box) {
    const Box& box = mixing.box;
    torch::Tensor part = images.narrow(2, box.top, box.height).narrow(3, box.left, box.width);
    part.copy_(part.flip(0));
  } else {
    const auto weight = static_cast<float>(mixing.weight);
    const torch::Tensor others = images.flip(0);
    images.mul_(weight).add_(others, 1 - weight);
  }
}

torch::Tensor make_images(Batch& batch, std::int64_t side, torch::Device device) {
  if (batch.raw.bytes.empty()) {
    const std::int64_t channels = std::ssize(batch.images) / (batch.size * side * side);
    return upload(batch.images, {batch.size, channels, side, side}, device);
  }
  torch::Tensor images = finish_images(batch.raw, batch.size, side, device);
  if (!batch.other_labels.empty()) mix(images, batch.raw.mixing);
  return images;
}

/// (2): of the labels and the others. Filled in by the device, which the host would have to wait for to copy from
/// pageable memory.
torch::Tensor make_label_weights(double weight, torch::Device device) {
  torch::Tensor weights = torch::full({2}, 1 - weight, torch::TensorOptions(torch::kFloat32).device(device));
  weights[0].fill_(weight);
  return weights;
}

}  // namespace

DeviceBatch ImageClassification::to_device(Batch& batch, std::int64_t side, torch::Device device) const {
  Targets targets(3);
  targets[kLabels] = upload(batch.labels, {batch.size}, device);
  if (!batch.other_labels.empty()) {
    targets[kOtherLabels] = upload(batch.other_labels, {batch.size}, device);
    targets[kLabelWeights] = make_label_weights(batch.label_weight, device);
  }
  return {.input = make_images(batch, side, device), .targets = std::move(targets)};
}

}  // namespace incubate
