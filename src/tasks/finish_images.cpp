#include "tasks/finish_images.h"

#include <torch/torch.h>

namespace incubate {
namespace {

/// Blends image j with image size-1-j, in place. With an odd size the middle image is its own partner and stays as it
/// is. The weighted sum has three operations, because a GPU and a CPU would round a fused one differently.
void blend(torch::Tensor& images, const Mixing& mixing) {
  const std::int64_t size = images.size(0);
  const torch::Tensor others = images.flip(0);
  if (mixing.is_box) {
    const auto part = [&box = mixing.box](const torch::Tensor& of) {
      return of.narrow(2, box.top, box.height).narrow(3, box.left, box.width);
    };
    part(images).copy_(part(others));
    return;
  }
  const auto weight = static_cast<float>(mixing.weight);
  for (const std::int64_t begin : {std::int64_t{0}, size - (size / 2)}) {
    torch::Tensor half = images.narrow(0, begin, size / 2);
    half.mul_(weight).add_(others.narrow(0, begin, size / 2).mul(1 - weight));
  }
}

/// Returns the values (pixels, channels) as integers.
torch::Tensor upload_values(ImageBatch& batch, torch::Device device) {
  const std::int64_t num_pixels = batch.size * batch.height * batch.width;
  if (batch.value_bytes == 1) return upload(batch.bytes, {num_pixels, batch.channels}, device);
  // LibTorch computes with signed 16-bit integers alone.
  return torch::from_blob(batch.bytes.data(), {num_pixels, batch.channels}, torch::kInt16)
      .to(device, /*non_blocking=*/true)
      .to(torch::kInt64)
      .bitwise_and_(0xFFFF);
}

}  // namespace

torch::Tensor finish_images(ImageBatch& batch, torch::Device device) {
  const std::int64_t channels = batch.channels, num_erased = std::ssize(batch.erased);
  const std::int64_t num_values = batch.value_bytes == 1 ? 256 : 65536;  // a channel's
  const torch::Tensor values = upload_values(batch, device);
  const torch::Tensor rows =
      torch::arange(0, num_values * channels, num_values, torch::TensorOptions(torch::kInt64).device(device));
  // A table has the bits that the CPU has; fp32 arithmetic would lose some near 0.
  torch::Tensor pixels = upload(batch.table, {num_values * channels}, device)
                             .index_select(0, (values + rows).flatten())
                             .view({-1, channels});
  if (num_erased > 0) {
    pixels.index_put_({upload(batch.erased, {num_erased}, device)},
                      upload(batch.noise, {num_erased, channels}, device));
  }
  torch::Tensor images = pixels.view({batch.size, batch.height * batch.width, channels})
                             .transpose(1, 2)
                             .contiguous()
                             .view({batch.size, channels, batch.height, batch.width});
  if (batch.mixing) blend(images, *batch.mixing);
  return images;
}

}  // namespace incubate
